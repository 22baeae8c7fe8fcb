const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const

/** A duration as a person says it: its two largest units, `1 h 3 min`; never negative. */
export function formatDuration(durationMs: number): string {
  let restMs = Math.max(0, durationMs)
  const largest = UNITS.findIndex(([, unitMs]) => restMs >= unitMs)
  if (largest < 0) return '0 s'
  const parts: string[] = []
  for (const [unit, unitMs] of UNITS.slice(largest, largest + 2)) {
    const count = Math.floor(restMs / unitMs)
    restMs -= count * unitMs
    if (count > 0) parts.push(`${count} ${unit}`)
  }
  return parts.join(' ')
}

/** `in 42 min`, `3 min ago`, or `now`. */
export function formatRelative(timeMs: number, nowMs: number): string {
  const distanceMs = Math.abs(timeMs - nowMs)
  if (distanceMs < 1_000) return 'now'
  return timeMs > nowMs ? `in ${formatDuration(distanceMs)}` : `${formatDuration(distanceMs)} ago`
}

/** ISO 8601; the number where no date can hold it: a claim must not make the program fail. */
export function formatTime(timeMs: number): string {
  return Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : `${timeMs} ms`
}

/** `2026-08-01T10:00:00.000Z (in 42 min)` */
export function formatMoment(timeMs: number, nowMs: number): string {
  return `${formatTime(timeMs)} (${formatRelative(timeMs, nowMs)})`
}

/** A short duration: `8 ms`, `1.25 s`. */
export function formatLatency(durationMs: number): string {
  return durationMs < 1_000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1_000).toFixed(2)} s`
}

/** `1,234`; the same in every locale. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

/** Permission bits as `ls` and `chmod` know them: `0640`. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
