/** gRPC's connection backoff, https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md, which gRFC A97 names. */
const INITIAL_BACKOFF_MS = 1_000
const MULTIPLIER = 1.6
const JITTER = 0.2
const MAX_BACKOFF_MS = 120_000

/**
 * How long after a failed look for a token the next one may begin.
 *
 * @param failures in a row, 1 or more
 * @param random from 0 to 1, as Math.random() gives it
 */
export function backoffDelayMs(failures: number, random: number): number {
  const delayMs = Math.min(INITIAL_BACKOFF_MS * MULTIPLIER ** (failures - 1), MAX_BACKOFF_MS)
  return delayMs * (1 + JITTER * (2 * random - 1))
}
