/** The candidate that was most likely meant; `undefined` when none is near. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const maxDistance = Math.max(2, Math.floor(Math.min(name.length, 40) / 3))
  let best: { candidate: string; distance: number } | undefined
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) > maxDistance) continue
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance <= maxDistance && (!best || distance < best.distance)) best = { candidate, distance }
  }
  return best?.candidate
}

/** Levenshtein's: how many characters must be inserted, removed or replaced. */
function editDistance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (let row = 1; row <= one.length; row++) {
    const current = [row]
    for (let column = 1; column <= other.length; column++) {
      const isSame = one[row - 1] === other[column - 1]
      current.push(
        Math.min(
          (previous[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (previous[column - 1] ?? 0) + (isSame ? 0 : 1),
        ),
      )
    }
    previous = current
  }
  return previous[other.length] ?? 0
}
