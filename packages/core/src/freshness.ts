import { usableUntilMs } from './expiry.js'
import type { Token } from './token.js'

/** A timed read that is later than this was slept through: the process, or the machine, was suspended. */
export const WAKE_GRACE_MS = 2_000

/** Before every time. */
export const NOT_FRESH = Number.NEGATIVE_INFINITY

/**
 * Until when, by the wall clock, a token is given without a look at anything else: one comparison is then all that a
 * `getToken()` costs. Not for longer than the next read is ahead, because timers stand still while a machine sleeps.
 *
 * @param untilReadMs how far ahead the next read is.
 */
export function endOfFreshnessMs(token: Token, untilReadMs: number, nowMs: number): number {
  return Math.min(nowMs + untilReadMs + WAKE_GRACE_MS, usableUntilMs(token))
}
