/** Whole seconds as the vault CLI writes them: `768h`, `1h30m`, `6s`. Pure. */
export function formatGoDuration(seconds: number): string {
  const hours = Math.floor(seconds / 3_600)
  const minutes = Math.floor((seconds % 3_600) / 60)
  const parts: [number, string][] = [
    [hours, 'h'],
    [minutes, 'm'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  const last = parts.findLastIndex(([count]) => count > 0)
  if (first < 0) return '0s'
  return parts
    .slice(first, last + 1)
    .map(([count, unit]) => `${count}${unit}`)
    .join('')
}
