/** For clock skew, and for the time that the server takes (gRFC A97: "30 seconds before the expiration time"). */
const EARLY_EXPIRY_MS = 30_000
/** How long before that another token is looked for (gRFC A97: "typically 1 minute"). */
const REFRESH_WINDOW_MS = 60_000

/**
 * What a call may do with the token at hand:
 * - `fresh`: send it;
 * - `refresh`: send it, and look for another one for later calls;
 * - `ending`: look for another one first, and send it only if there is none: it is still valid, but for less than 30 s;
 * - `expired`: look for another one.
 */
export type TokenPhase = 'fresh' | 'refresh' | 'ending' | 'expired'

/** A token without a known expiry stays fresh for as long as the provider holds it. */
export function tokenPhase(expiresAtMs: number | undefined, nowMs: number): TokenPhase {
  if (expiresAtMs === undefined) return 'fresh'
  if (nowMs >= expiresAtMs) return 'expired'
  const cachedUntilMs = expiresAtMs - EARLY_EXPIRY_MS
  if (nowMs >= cachedUntilMs) return 'ending'
  return nowMs >= cachedUntilMs - REFRESH_WINDOW_MS ? 'refresh' : 'fresh'
}
