/**
 * From when on another token is looked for (gRFC A97: "typically 1 minute" before the early expiry, which is "30 seconds
 * before the expiration time").
 */
const REFRESH_EARLY_MS = 60_000 + 30_000

/**
 * How long a look that found the token at hand is not repeated: there is no other one yet. As long as the first wait of
 * the backoff, which A97 has for looks that fail.
 */
export const UNCHANGED_PAUSE_MS = 1_000

/**
 * What a call may do with the token at hand:
 * - `fresh`: send it;
 * - `refresh`: send it, and look for another one for later calls;
 * - `expired`: look for another one.
 */
export type TokenPhase = 'fresh' | 'refresh' | 'expired'

/** A token without a known expiry stays fresh for as long as the provider holds it. */
export function tokenPhase(expiresAtMs: number | undefined, nowMs: number): TokenPhase {
  if (expiresAtMs === undefined) return 'fresh'
  if (nowMs >= expiresAtMs) return 'expired'
  return nowMs >= expiresAtMs - REFRESH_EARLY_MS ? 'refresh' : 'fresh'
}
