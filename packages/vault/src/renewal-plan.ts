import type { FailureClass } from './classify-answer.js'
import { backoffMs, type Random } from './jitter.js'
import type { Lease } from './lease.js'
import { loginReserveMs } from './lease-plan.js'
import { isOutage, planLogin } from './login-plan.js'
import { retrySpreadMs, waitInSpreadMs } from './login-spread.js'
import type { Plan } from './plan.js'

const BASE_MS = 1_000
const MAX_MS = 60_000
/** Where it is renewals that somebody answers with an error, and a login was in vain, every so many tries are a login. */
const TRIES_PER_LOGIN = 4
/** How it shows that the JWT, or who reviews it, is away: Vault gives no reason, or its plugin's words. */
const REVIEW_FAILURES: readonly FailureClass[] = ['jwt-unavailable', 'denied', 'refused']
/** A deleted role makes every renewal a 500 of the same words: three of them are a verdict. */
const SAME_ERRORS = 3

/** @param sameErrors how often in a row the server gave this very 5xx */
export function isVerdict(sameErrors: number): boolean {
  return sameErrors >= SAME_ERRORS
}

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
  /** Whether there was an answer, by Vault about this request or by what stands before it; not one that it is sealed. */
  readonly isAnswered: boolean
  /** Whether a login has failed since this lease was granted. */
  readonly isLoginInVain: boolean
  /** How long Vault has been away. */
  readonly awayForMs: number
  /** The option, for the login that may follow. */
  readonly loginSpreadMs?: number | undefined
  readonly nowMs: number
}

/** Renew again, or log in: the time before the lease's end decides, and what Vault said. */
export function planAfterRenewalFailure(event: RenewalFailure, random: Random): Plan {
  const { lease, isDead, loginSpreadMs, nowMs, wasAway, retryAfterMs = 0 } = event
  if (!isOutage(event.failure)) return planLogin({ wasAway, lease, isDead, loginSpreadMs, nowMs }, random)
  if (isVerdict(event.sameErrors)) return planLogin({ wasAway: false, lease, nowMs }, random)
  const waitMs = retryAfterMs + backoffMs(event.failures, BASE_MS, MAX_MS, random)
  const untilEndMs = lease.expiresAtMs - nowMs
  if (event.isLoginInVain) {
    const isLoginsTurn = event.isAnswered && event.failures % TRIES_PER_LOGIN === 0
    const action = isLoginsTurn ? 'login' : 'renew'
    if (waitMs < untilEndMs) return { action, atMs: nowMs + waitMs }
    const spreadMs = retrySpreadMs({ lease, loginSpreadMs }, event.awayForMs, 0)
    const atMs = nowMs + retryAfterMs + waitInSpreadMs(spreadMs, undefined, random)
    return { action: 'login', atMs, spreadMs, onAnswer: true }
  }
  const untilReserveMs = untilEndMs - loginReserveMs(lease)
  if (waitMs < untilReserveMs) return { action: 'renew', atMs: nowMs + waitMs }
  const loginFromMs = nowMs + Math.max(0, untilReserveMs, retryAfterMs)
  return planLogin({ wasAway: true, lease, loginSpreadMs, nowMs: loginFromMs }, random)
}

/** A failed login of a token that still lives. */
export interface LoginInVain {
  readonly failure: FailureClass
  readonly retryAfterMs: number | undefined
  /** Failed logins in a row, this one included. */
  readonly failures: number
  readonly lease: Lease
  readonly nowMs: number
}

/**
 * The next renewal after a login that came of failed ones, and failed too, because something is away: Vault, who reviews
 * the JWT, or the JWT. What comes back first may renew the token: it costs Vault less than a login, and is no herd's.
 *
 * @returns `undefined` when the token will have ended, or a login was refused for another reason.
 */
export function planRenewalAfterLogin(event: LoginInVain, random: Random): Plan | undefined {
  const { failure, lease, failures, retryAfterMs = 0, nowMs } = event
  if (!isOutage(failure) && !REVIEW_FAILURES.includes(failure)) return undefined
  const atMs = nowMs + retryAfterMs + backoffMs(failures, BASE_MS, MAX_MS, random)
  return atMs < lease.expiresAtMs ? { action: 'renew', atMs, onNewJwt: failure === 'denied' } : undefined
}

/**
 * How long to wait for the answer to a renewal: a Vault that hangs must not use up the time that a login needs, unless
 * one has failed already.
 */
export function renewalTimeLimitMs(lease: Lease, isLoginInVain: boolean, nowMs: number): number {
  return Math.max(BASE_MS, lease.expiresAtMs - (isLoginInVain ? 0 : loginReserveMs(lease)) - nowMs)
}
