import { planForLease } from './lease-plan.js'
import { isOutage, planAfterLoginFailure, planLogin, wasJustAway, wasSeenAway } from './login-plan.js'
import type { Plan } from './plan.js'
import { planAfterRenewalFailure } from './renewal-plan.js'
import type { Circumstances, Session, SessionEvent } from './session-types.js'

/** Logins because of refused tokens are this far apart: a policy that denies everything must not become a storm. */
const REFUSAL_LOGIN_INTERVAL_MS = 60_000
/** As many as a file that goes back and forth could hold. */
const MAX_REFUSED_JWTS = 8

/** A session that logs in at once. */
export function startSession(nowMs: number): Session {
  return {
    plan: { action: 'login', atMs: nowMs },
    lease: undefined,
    lastTtlMs: undefined,
    loggedInAs: undefined,
    loggedInAtMs: Number.NEGATIVE_INFINITY,
    loginFailures: 0,
    roleRefusals: 0,
    renewFailures: 0,
    lastError: undefined,
    awayAtMs: Number.NEGATIVE_INFINITY,
    awaySinceMs: Number.POSITIVE_INFINITY,
    lateRefusal: 'none',
    refusedJwts: [],
    lastJwt: undefined,
    youngDeaths: 0,
    doubtLoginAtMs: Number.NEGATIVE_INFINITY,
  }
}

/** The session after an event. Pure, given what `random` returns. */
export function advance(session: Session, event: SessionEvent, now: Circumstances): Session {
  const { nowMs, random } = now
  switch (event.type) {
    case 'login-succeeded':
      return {
        ...startSession(nowMs),
        plan: planForLease(event.lease, random),
        lease: event.lease,
        lastTtlMs: event.lease.ttlMs,
        loggedInAs: event.jwt,
        loggedInAtMs: nowMs,
        lastJwt: event.jwt.fingerprint,
        youngDeaths: session.youngDeaths,
        doubtLoginAtMs: session.doubtLoginAtMs,
      }
    case 'login-failed':
      return afterLoginFailure(session, event, now)
    case 'jwt-unchanged':
      return { ...session, plan: { action: 'login', atMs: Number.POSITIVE_INFINITY, onNewJwt: true } }
    case 'renew-succeeded':
      return {
        ...session,
        plan: planForLease(event.lease, random),
        lease: event.lease,
        lastTtlMs: event.lease.ttlMs,
        renewFailures: 0,
        lastError: undefined,
        awayAtMs: Number.NEGATIVE_INFINITY,
        awaySinceMs: Number.POSITIVE_INFINITY,
      }
    case 'renew-failed':
      return afterRenewalFailure(session, event, now)
    case 'token-dead':
      if (session.lease === undefined) return session
      if (session.lease.expiresAtMs <= nowMs) return afterLateRefusal(session, nowMs)
      return event.certain ? afterDeath(session, now) : afterDoubt(session, now)
    case 'away-seen':
      return { ...session, ...seenAway(session, nowMs) }
    case 'slept':
      return Number.isFinite(session.plan.atMs)
        ? { ...session, plan: { ...session.plan, atMs: Math.min(session.plan.atMs, nowMs) } }
        : session
    case 'identity-changed':
      return loginNow(session, nowMs)
    case 'login-requested':
      return loginNow(event.byHand ? { ...session, refusedJwts: [] } : session, nowMs)
  }
}

function loginNow(session: Session, nowMs: number): Session {
  return { ...session, roleRefusals: 0, plan: { action: 'login', atMs: nowMs } }
}

/** Vault is away, still or again. */
function seenAway(session: Session, nowMs: number): Pick<Session, 'awayAtMs' | 'awaySinceMs'> {
  const { awayAtMs, awaySinceMs, loginFailures, renewFailures } = session
  const isStill = loginFailures > 0 || renewFailures > 0 || wasSeenAway(awayAtMs, nowMs)
  return { awayAtMs: nowMs, awaySinceMs: isStill ? Math.min(awaySinceMs, nowMs) : nowMs }
}

/** Whether a login with this JWT would only repeat a refusal. */
export function isRefused(session: Session, fingerprint: string): boolean {
  return session.refusedJwts.some((refused) => refused.fingerprint === fingerprint)
}

function afterLoginFailure(
  session: Session,
  event: Extract<SessionEvent, { type: 'login-failed' }>,
  { nowMs, random, loginSpreadMs }: Circumstances,
): Session {
  const { failure, retryAfterMs, jwt } = event
  if (failure === 'aborted') return { ...session, plan: { action: 'login', atMs: nowMs } }
  const loginFailures = session.loginFailures + 1
  const roleRefusals = failure === 'role' ? session.roleRefusals + 1 : 0
  const { lease, lastTtlMs } = session
  const away = isOutage(failure) ? seenAway(session, nowMs) : undefined
  const plan = planAfterLoginFailure(
    {
      ...{ failure, retryAfterMs, failures: loginFailures, roleRefusals },
      ...{ lease, lastTtlMs, loginSpreadMs, lastSpreadMs: session.plan.spreadMs, nowMs },
      awayForMs: away === undefined ? 0 : nowMs - away.awaySinceMs,
    },
    random,
  )
  const wasRefusedLate = session.lateRefusal === 'noted'
  return {
    ...session,
    loginFailures,
    roleRefusals,
    ...away,
    lastJwt: jwt ?? session.lastJwt,
    refusedJwts:
      failure === 'jwt-refused' && jwt !== undefined
        ? [...session.refusedJwts, { fingerprint: jwt, atMs: nowMs }].slice(-MAX_REFUSED_JWTS)
        : session.refusedJwts,
    lateRefusal: wasRefusedLate ? 'used' : session.lateRefusal,
    plan: wasRefusedLate && plan.onAnswer ? { action: 'login', atMs: nowMs } : plan,
  }
}

function afterRenewalFailure(
  session: Session,
  event: Extract<SessionEvent, { type: 'renew-failed' }>,
  { nowMs, random, loginSpreadMs }: Circumstances,
): Session {
  const { lease, lastError } = session
  const { failure, retryAfterMs, error, isDead = false } = event
  // The token was replaced or given up while the renewal was under way.
  if (lease === undefined) return session
  if (failure === 'aborted') return { ...session, plan: { action: 'renew', atMs: nowMs } }
  const sameErrors = error === undefined ? 0 : error === lastError?.text ? lastError.count + 1 : 1
  const failures = session.renewFailures + 1
  // Only an outage is followed by another renewal, and `Retry-After` may make that late.
  const wasAway = failures > 1 || wasJustAway(session, nowMs)
  return {
    ...session,
    lease: isDead ? undefined : lease,
    renewFailures: failures,
    lastError: error === undefined ? undefined : { text: error, count: sameErrors },
    ...(isOutage(failure) ? seenAway(session, nowMs) : {}),
    plan: planAfterRenewalFailure(
      { failure, retryAfterMs, failures, sameErrors, wasAway, lease, isDead, loginSpreadMs, nowMs },
      random,
    ),
  }
}

/**
 * A token that is certainly dead is given up, and replaced at once, or a little later each time it happens again; but
 * one of limited uses was used up, as its role wants it.
 */
function afterDeath(session: Session, { nowMs, random, loginSpreadMs }: Circumstances): Session {
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
function afterLateRefusal(session: Session, nowMs: number): Session {
  const { plan, lateRefusal } = session
  if (plan.action !== 'login' || lateRefusal !== 'none') return session
  if (plan.atMs <= nowMs) return { ...session, lateRefusal: 'noted' }
  return plan.onAnswer ? { ...session, lateRefusal: 'used', plan: { action: 'login', atMs: nowMs } } : session
}

/**
 * A token that a refused `lookup-self` speaks against may be alive, of a role without the policy `default`: it is kept
 * until a login, at most one a minute, has replaced it.
 */
function afterDoubt(session: Session, { nowMs, random, loginSpreadMs }: Circumstances): Session {
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
