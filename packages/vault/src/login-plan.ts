import type { FailureClass } from './classify-answer.js'
import { anywhereIn, backoffMs, type Random } from './jitter.js'
import type { Lease } from './lease.js'
import { lossSpreadMs, outageSpreadMs, retrySpreadMs, waitInSpreadMs } from './login-spread.js'
import { type Plan, STOP } from './plan.js'

const BASE_MS = 1_000
/** While Vault is away: the ceiling of renewals too. Waiting longer would only lengthen the outage. */
const OUTAGE_MAX_MS = 60_000
/** While Vault refuses: only somebody's hand changes that. */
const REFUSED_MAX_MS = 300_000
/** A provider of JWTs does its own waiting; asking it costs no request to anybody. */
const JWT_MAX_MS = 5_000
/** A role may not have been written yet when the pod starts; three tries are enough to see. */
const ROLE_TRIES = 3

/** A failed login, and what came before it. */
export interface LoginFailure {
  readonly failure: FailureClass
  readonly retryAfterMs: number | undefined
  /** Failed logins in a row, this one included. */
  readonly failures: number
  /** Refusals of the role in a row, this one included. */
  readonly roleRefusals: number
  /** The lease of the token in use, ended or not; `undefined` when that is dead or as good as lost, or there is none. */
  readonly lease: Lease | undefined
  /** The TTL of the last lease that there was. */
  readonly lastTtlMs?: number | undefined
  /** How long Vault has been away. */
  readonly awayForMs?: number
  /** The spread of the wait before, if that was for the same. */
  readonly lastSpreadMs?: number | undefined
  /** The option. */
  readonly loginSpreadMs?: number | undefined
  readonly nowMs: number
}

/** Whether the failure says that Vault is away, and nothing about anybody's credentials. */
export function isOutage(failure: FailureClass): boolean {
  return failure === 'unavailable' || failure === 'sealed' || failure === 'rate-limited'
}

/** When the next login is due after a failed one. */
export function planAfterLoginFailure(event: LoginFailure, random: Random): Plan {
  const { failure, failures, nowMs } = event
  const retry = (maxMs: number): Plan => ({
    action: 'login',
    atMs: nowMs + backoffMs(failures, BASE_MS, maxMs, random),
    onNewJwt: true,
  })
  switch (failure) {
    case 'unavailable':
    case 'sealed':
    case 'rate-limited':
      return {
        ...outageRetry(event, random),
        // Vault did answer where it limits a rate or says itself when to come back: that holds.
        onAnswer: failure !== 'rate-limited' && event.retryAfterMs === undefined,
      }
    case 'role':
      return event.roleRefusals < ROLE_TRIES ? { ...retry(REFUSED_MAX_MS), onNewJwt: false } : STOP
    case 'mfa':
      return STOP
    case 'jwt-refused':
      // The file may hold another one already: it is read at once, but not for ever at once.
      return failures === 1 ? { action: 'login', atMs: nowMs } : retry(REFUSED_MAX_MS)
    case 'jwt-not-yet-valid':
      return retry(OUTAGE_MAX_MS)
    case 'jwt-unavailable':
      return { ...retry(JWT_MAX_MS), onNewJwt: false }
    case 'denied':
    case 'refused':
    case 'tls':
    case 'redirect':
      return retry(REFUSED_MAX_MS)
    case 'aborted':
      return { action: 'login', atMs: nowMs }
  }
}

/**
 * A first failure is a blip, retried within a second. After a second one it is an outage, with everybody waiting for
 * its end: logins then spread at least as widely as the rule for herds says. `Retry-After` comes on top, or it would
 * bring everybody back at the same moment.
 */
function outageRetry(event: LoginFailure, random: Random): Plan {
  const { failures, lease, lastTtlMs, loginSpreadMs, awayForMs = 0, retryAfterMs = 0, nowMs } = event
  const backedOffMs = backoffMs(failures, BASE_MS, ceilingMs(loginSpreadMs), random)
  const fromMs = nowMs + retryAfterMs
  if (failures < 2) return { action: 'login', atMs: fromMs + backedOffMs }
  const last = lease ?? (lastTtlMs === undefined ? undefined : { ttlMs: lastTtlMs })
  const leftMs = lease === undefined ? 0 : lease.expiresAtMs - nowMs
  const spreadMs = retrySpreadMs({ lease: last, loginSpreadMs }, awayForMs, leftMs)
  const waitMs = Math.max(backedOffMs, waitInSpreadMs(spreadMs, event.lastSpreadMs, random))
  return { action: 'login', atMs: fromMs + waitMs, spreadMs }
}

/** No wait for a login is longer than the option. */
function ceilingMs(loginSpreadMs = OUTAGE_MAX_MS): number {
  return Math.min(OUTAGE_MAX_MS, loginSpreadMs)
}

/**
 * For how long it counts that Vault was away: the ceiling of the backoff, so whatever retries keeps it fresh. Answers
 * do not end it: Vault gives many (`sys/health`) whatever the token.
 */
const AWAY_COUNTS_MS = OUTAGE_MAX_MS

/** Whether Vault was away so lately that it is the same outage. @param awayAtMs when it was last seen to be away */
export function wasSeenAway(awayAtMs: number, nowMs: number): boolean {
  return nowMs - awayAtMs < AWAY_COUNTS_MS
}

/**
 * Whether Vault was away so lately that a token which it calls dead is lost with everybody else's. One of limited uses
 * was used up by its callers.
 *
 * @param awayAtMs when it was last seen to be away.
 */
export function wasJustAway(
  { awayAtMs, lease }: { readonly awayAtMs: number; readonly lease: Lease | undefined },
  nowMs: number,
): boolean {
  return wasSeenAway(awayAtMs, nowMs) && lease?.hasLimitedUses !== true
}

/** A login that has become necessary. */
export interface LoginNeed {
  /** Whether Vault was just away. */
  readonly wasAway: boolean
  readonly lease: Lease | undefined
  /** Whether Vault said that the token is dead, whatever its lease says. */
  readonly isDead?: boolean
  /** The option. */
  readonly loginSpreadMs?: number | undefined
  readonly nowMs: number
}

/**
 * When it is due: at once, or somewhere in the spread when Vault was just away. A token that still lives is replaced
 * before it dies.
 */
export function planLogin(need: LoginNeed, random: Random): Plan {
  const { wasAway, lease, isDead, loginSpreadMs, nowMs } = need
  if (!wasAway) return { action: 'login', atMs: nowMs }
  const leftMs = lease === undefined || isDead ? 0 : lease.expiresAtMs - nowMs
  const windowMs =
    leftMs > 0
      ? Math.min(loginSpreadMs ?? outageSpreadMs(lease), leftMs / 2)
      : lossSpreadMs({ lease, loginSpreadMs })
  return { action: 'login', atMs: nowMs + anywhereIn(windowMs, random), onAnswer: !isDead }
}
