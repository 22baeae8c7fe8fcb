import type { FailureClass } from './classify-answer.js'
import type { Lease } from './lease.js'
import { planForLease } from './lease-plan.js'
import { isOutage, planAfterLoginFailure, wasJustAway, wasSeenAway } from './login-plan.js'
import { isVerdict, planAfterRenewalFailure, planRenewalAfterLogin } from './renewal-plan.js'
import { afterDeath, afterDoubt, afterLateRefusal } from './session-refusals.js'
import type { Circumstances, Session, SessionEvent } from './session-types.js'

/** Vault's own words about the token. */
const REFUSALS: readonly FailureClass[] = ['denied', 'refused', 'mfa']
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
        loginFailures: 0,
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
  /** The login came of renewals that failed, and were not refused: another one may succeed. */
  const renewing = session.renewFailures > 0 && lease?.kind === 'renewable' ? lease : undefined
  const attempt = { failure, retryAfterMs, failures: loginFailures, nowMs }
  const renewal = renewing && planRenewalAfterLogin({ ...attempt, lease: renewing }, random)
  const login = planAfterLoginFailure(
    {
      ...{ ...attempt, roleRefusals, lastTtlMs, loginSpreadMs, lastSpreadMs: session.plan.spreadMs },
      lease: renewing ? undefined : lease,
      awayForMs: away === undefined ? 0 : nowMs - away.awaySinceMs,
    },
    random,
  )
  const plan = renewal ?? login
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
  const away = isOutage(failure) ? seenAway(session, nowMs) : undefined
  const mayBeRenewed = !REFUSALS.includes(failure) && !isVerdict(sameErrors)
  const kept: Lease = mayBeRenewed ? lease : { ...lease, kind: 'fixed' }
  return {
    ...session,
    ...away,
    lease: isDead ? undefined : kept,
    renewFailures: failures,
    lastError: error === undefined ? undefined : { text: error, count: sameErrors },
    plan: planAfterRenewalFailure(
      {
        ...{ failure, retryAfterMs, failures, sameErrors, wasAway, lease, isDead, loginSpreadMs, nowMs },
        isAnswered: event.isAnswered === true && failure !== 'sealed',
        isLoginInVain: session.loginFailures > 0,
        awayForMs: away === undefined ? 0 : nowMs - away.awaySinceMs,
      },
      random,
    ),
  }
}
