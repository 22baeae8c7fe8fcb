/**
 * How much of an unwanted response body is read so that its connection can be used again. An error page fits; beyond
 * it a new connection is cheaper than the rest of the body. undici's `dump` interceptor draws such a line too (1 MiB).
 */
export const MAX_DISCARD_BYTES = 65_536

/** How long to wait for it: a body that trickles must not hold up the request that matters. */
const MAX_DISCARD_MS = 1_000

/** Calls `giveUp` when a body has taken too long; the function that it gives cancels that. */
export function startDiscardTimer(giveUp: () => unknown): () => void {
  const timer = setTimeout(giveUp, MAX_DISCARD_MS)
  return () => clearTimeout(timer)
}
