import type { Session } from './session-types.js'

/** All that may be due. Monotonic milliseconds; `Infinity`: never. */
export interface Agenda {
  readonly session: Session
  /** When the token in use is to be looked up. */
  readonly lookAtMs: number
  /** When the provider of the JWT is asked for another one, if the plan wants that. */
  readonly pollAtMs: number
  /** Whether the token in use is good. */
  readonly isUsable: boolean
}

/** What the loop can do. */
export type Task = 'look' | 'renew' | 'login' | 'poll'

/** What is due now, the most urgent first. */
export function dueTask(
  { session: { plan }, lookAtMs, pollAtMs, isUsable }: Agenda,
  nowMs: number,
): Task | undefined {
  if (lookAtMs <= nowMs) return 'look'
  // A token that ended while its renewal was due (the machine slept) cannot be renewed any more.
  if (plan.action === 'renew' && plan.atMs <= nowMs) return isUsable ? 'renew' : 'login'
  if (plan.action === 'login' && plan.atMs <= nowMs) return 'login'
  return plan.onNewJwt && pollAtMs <= nowMs ? 'poll' : undefined
}

/** When something is due next. */
export function nextDueAtMs({ session: { plan }, lookAtMs, pollAtMs }: Agenda): number {
  return Math.min(plan.atMs, lookAtMs, plan.onNewJwt ? pollAtMs : Number.POSITIVE_INFINITY)
}

/** Logins on demand are no closer together than this, however short the leases are. */
const MIN_LOGIN_INTERVAL_MS = 1_000

/**
 * Whether a caller without a token causes a login: when none is planned, and none has failed.
 *
 * @param ageMs since the last login.
 */
export function isLoginOnDemand({ plan, loginFailures }: Session, ageMs: number): boolean {
  const hasNoLoginAhead = (plan.action === 'rest' || plan.action === 'renew') && loginFailures === 0
  return hasNoLoginAhead && ageMs >= MIN_LOGIN_INTERVAL_MS
}
