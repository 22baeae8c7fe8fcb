/** Whether a measured number grows with time. Pure. */

export const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * Compares the medians of a window near the start and one at the end: single samples say little. The first tenth is left
 * out, while caches fill and code is compiled.
 *
 * @param samples at least 5 numbers in the order of time
 * @param tolerance what may be gained, in the numbers' own unit
 */
export function judgeGrowth(samples, tolerance) {
  const settled = samples.slice(Math.ceil(samples.length / 10))
  const size = Math.max(1, Math.floor(settled.length / 3))
  const first = median(settled.slice(0, size))
  const last = median(settled.slice(-size))
  return { first, last, grows: last - first > tolerance }
}
