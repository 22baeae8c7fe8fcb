/** Durations in milliseconds; `undefined` without any. */
export interface Quantiles {
  readonly count: number
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  readonly maxMs: number | undefined
}

/** By the nearest-rank method: every quantile is a value that was measured. */
export function quantiles(durationsMs: Iterable<number>): Quantiles {
  const sorted = Float64Array.from(durationsMs).sort()
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  return { count: sorted.length, p50Ms: rank(0.5), p99Ms: rank(0.99), maxMs: rank(1) }
}

/** Keeps the last so many values: all that a view needs of requests without number. */
export function createSample(size: number): { add(value: number): void; values(): readonly number[] } {
  const values: number[] = []
  let next = 0
  return {
    add(value) {
      values[next] = value
      next = (next + 1) % size
    },
    values: () => values,
  }
}
