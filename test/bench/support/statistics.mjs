/** The statistics that the benchmarks quote. */

/** The nearest-rank percentile: always one of the values. */
export function percentile(values, percent) {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]
}

export function median(values) {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The median of what two sides, measured in turn, differ by: a noise that hits both sides of a pair cancels out. */
export function medianDifference(values, baselines) {
  return median(values.map((value, index) => value - baselines[index]))
}

/** The median and what lies around it, for the JSON output. */
export function summary(values) {
  return {
    count: values.length,
    min: Math.min(...values),
    p50: median(values),
    p90: percentile(values, 90),
    p99: percentile(values, 99),
    max: Math.max(...values),
  }
}

/** `items`, beginning with another one in each round: no side always follows the same other. */
export function rotate(items, round) {
  const shift = round % items.length
  return [...items.slice(shift), ...items.slice(0, shift)]
}
