import type { Clock } from '@projected-token/core'

/** One `lookup-self` for each token generation in this time: a policy that refuses must not double the requests. */
const LOOK_INTERVAL_MS = 30_000

/**
 * When a token that somebody reported as refused, without proof, is looked up: now, or when the last look is old
 * enough. Monotonic milliseconds.
 */
export function lookAtMs(lastLookMs: number | undefined, nowMs: number): number {
  return lastLookMs === undefined ? nowMs : Math.max(nowMs, lastLookMs + LOOK_INTERVAL_MS)
}

/** Whether the token in use is in doubt, and when it is looked up. */
export interface TokenDoubt {
  /** When the next look is due; `Infinity`: none is. */
  readonly dueAtMs: number
  /** Whether callers had better wait for the look, or for the login that it caused. */
  readonly isOpen: boolean
  /** Somebody reported the token. */
  raise(): void
  /** A look begins. @param isRequest whether Vault is asked, which counts */
  look(isRequest: boolean): void
  /** A look has ended. @param isLoginDue whether its result made a login due now */
  settle(isLoginDue: boolean): void
  /** A login has ended, whatever came of it. @param isAnotherToken whether it gave a new token */
  close(isAnotherToken: boolean): void
}

export function createTokenDoubt(clock: Clock): TokenDoubt {
  let dueAtMs = Number.POSITIVE_INFINITY
  let lastLookMs: number | undefined
  let isLooking = false
  let isLoginDue = false
  return {
    get dueAtMs() {
      return dueAtMs
    },
    get isOpen() {
      return isLooking || isLoginDue || dueAtMs <= clock.monotonicNow()
    },
    raise() {
      // Reports that come during a look are answered by it.
      if (!isLooking && !isLoginDue) dueAtMs = Math.min(dueAtMs, lookAtMs(lastLookMs, clock.monotonicNow()))
    },
    look(isRequest) {
      dueAtMs = Number.POSITIVE_INFINITY
      isLooking = true
      if (isRequest) lastLookMs = clock.monotonicNow()
    },
    settle(isDue) {
      isLooking = false
      isLoginDue = isDue
    },
    close(isAnotherToken) {
      isLoginDue = false
      if (!isAnotherToken) return
      dueAtMs = Number.POSITIVE_INFINITY
      lastLookMs = undefined
    },
  }
}
