import type { FailureClass } from './classify-answer.js'
import { backoffMs, type Random } from './jitter.js'
import type { Lease } from './lease.js'
import { loginReserveMs } from './lease-plan.js'
import { isOutage, planLogin } from './login-plan.js'
import type { Plan } from './plan.js'

const BASE_MS = 1_000
const MAX_MS = 60_000
/** A deleted role makes every renewal a 500 of the same words: three of them are a verdict. */
const SAME_ERRORS = 3

/** A failed renewal, and what came before it. */
export interface RenewalFailure {
  readonly failure: FailureClass
  readonly retryAfterMs: number | undefined
  /** Failed renewals of this lease in a row, this one included. */
  readonly failures: number
  /** How often in a row the server gave this very 5xx (503 is never one). */
  readonly sameErrors: number
  /** Whether Vault was away before, by transport or status. */
  readonly wasAway: boolean
  readonly lease: Lease
  /** Whether Vault said that the token is dead. */
  readonly isDead: boolean
  /** The option, for the login that may follow. */
  readonly loginSpreadMs?: number | undefined
  readonly nowMs: number
}

/** Renew again, or log in: the time before the lease's end decides, and what Vault said. */
export function planAfterRenewalFailure(event: RenewalFailure, random: Random): Plan {
  const { lease, isDead, loginSpreadMs, nowMs, wasAway, retryAfterMs = 0 } = event
  if (!isOutage(event.failure)) return planLogin({ wasAway, lease, isDead, loginSpreadMs, nowMs }, random)
  if (event.sameErrors >= SAME_ERRORS) return planLogin({ wasAway: false, lease, nowMs }, random)
  const untilReserveMs = lease.expiresAtMs - loginReserveMs(lease) - nowMs
  const waitMs = retryAfterMs + backoffMs(event.failures, BASE_MS, MAX_MS, random)
  if (waitMs < untilReserveMs) return { action: 'renew', atMs: nowMs + waitMs }
  const loginFromMs = nowMs + Math.max(0, untilReserveMs, retryAfterMs)
  return planLogin({ wasAway: true, lease, loginSpreadMs, nowMs: loginFromMs }, random)
}

/** How long to wait for the answer to a renewal: a Vault that hangs must not use up the time that a login needs. */
export function renewalTimeLimitMs(lease: Lease, nowMs: number): number {
  return Math.max(BASE_MS, lease.expiresAtMs - loginReserveMs(lease) - nowMs)
}
