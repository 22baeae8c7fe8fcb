import { planLogin, wasJustAway } from './login-plan.js'
import type { Plan } from './plan.js'
import type { Circumstances, Session } from './session-types.js'

/** Logins because of refused tokens are this far apart: a policy that denies everything must not become a storm. */
const REFUSAL_LOGIN_INTERVAL_MS = 60_000

/**
 * A token that is certainly dead is given up, and replaced at once, or a little later each time it happens again; but
 * one of limited uses was used up, as its role wants it.
 */
export function afterDeath(session: Session, { nowMs, random, loginSpreadMs }: Circumstances): Session {
  const isUsedUp = session.lease?.hasLimitedUses === true
  const isYoung = !isUsedUp && nowMs - session.loggedInAtMs < REFUSAL_LOGIN_INTERVAL_MS
  const youngDeaths = isYoung ? session.youngDeaths + 1 : 0
  const pauseMs = youngDeaths <= 1 ? 0 : Math.min(REFUSAL_LOGIN_INTERVAL_MS, 1_000 * 2 ** (youngDeaths - 1))
  const fromMs = Math.max(nowMs, session.loggedInAtMs + pauseMs)
  const { lease } = session
  const wasAway = wasJustAway(session, nowMs)
  const login = planLogin({ wasAway, lease, isDead: true, loginSpreadMs, nowMs: fromMs }, random)
  return { ...session, youngDeaths, lease: undefined, plan: sooner(session.plan, login) }
}

/**
 * A request that was sent before the lease ended, hung, and is refused after it, says nothing of the token that was not
 * known, but that Vault answers again: the login that only waited for that is due, or is repeated at once if it is under
 * way, was sent before that answer, and fails. Once for each token.
 *
 * Without jitter: somebody waits, and Vault, which had to answer this pod first, sets the pace. Few pods are in this
 * case, those whose lease ended while a request of theirs hung: of 10,000 with a lease of 1 h, 4 for each second that a
 * request may hang. No more logins than hang in such a Vault anyway.
 */
export function afterLateRefusal(session: Session, nowMs: number): Session {
  const { plan, lateRefusal } = session
  if (plan.action !== 'login' || lateRefusal !== 'none') return session
  if (plan.atMs <= nowMs) return { ...session, lateRefusal: 'noted' }
  return plan.onAnswer ? { ...session, lateRefusal: 'used', plan: { action: 'login', atMs: nowMs } } : session
}

/**
 * A token that a refused `lookup-self` speaks against may be alive, of a role without the policy `default`: it is kept
 * until a login, at most one a minute, has replaced it.
 */
export function afterDoubt(session: Session, { nowMs, random, loginSpreadMs }: Circumstances): Session {
  if (session.doubtLoginAtMs > nowMs) return session
  const fromMs = Math.max(nowMs, session.doubtLoginAtMs + REFUSAL_LOGIN_INTERVAL_MS)
  const { lease } = session
  const wasAway = wasJustAway(session, nowMs)
  const login = planLogin({ wasAway, lease, loginSpreadMs, nowMs: fromMs }, random)
  const plan = sooner(session.plan, login)
  return plan === login ? { ...session, plan, doubtLoginAtMs: login.atMs } : session
}

/** A login that is planned already, sooner, comes first; and what stopped stays so. */
function sooner(plan: Plan, login: Plan): Plan {
  const isSooner = plan.action === 'login' && plan.atMs <= login.atMs
  return plan.action === 'stop' || isSooner ? plan : login
}
