/** Gives numbers from 0 (inclusive) to 1 (exclusive), as `Math.random` does. */
export type Random = () => number

/** The lowest wait between two attempts: full jitter may draw a zero, and three zeros in a row would be a storm. */
const MIN_DELAY_MS = 100

/** A moment within the window, uniformly: ten thousand pods that failed together must not come back together. */
export function anywhereIn(windowMs: number, random: Random): number {
  return windowMs * random()
}

/**
 * Full jitter: anywhere from 0 (0.1 s, really) to `baseMs` doubled with each failure. The *first* retry is jittered
 * too.
 *
 * @param failures in a row, from 1.
 */
export function backoffMs(failures: number, baseMs: number, maxMs: number, random: Random): number {
  const windowMs = Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(0, failures - 1), 30))
  return Math.max(MIN_DELAY_MS, anywhereIn(windowMs, random))
}
