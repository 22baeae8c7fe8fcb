import type { FailureClass } from './classify-answer.js'
import { anywhereIn, backoffMs, type Random } from './jitter.js'
import type { Lease } from './lease.js'
import { outageSpreadMs } from './lease-plan.js'
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
  /** The last lease, ended or not. */
  readonly lease: Lease | undefined
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
        action: 'login',
        atMs: nowMs + outageRetryMs(event, random),
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
function outageRetryMs({ failures, lease, retryAfterMs = 0 }: LoginFailure, random: Random): number {
  const spreadMs = Math.min(REFUSED_MAX_MS, outageSpreadMs(lease))
  const backedOffMs = backoffMs(failures, BASE_MS, Math.max(OUTAGE_MAX_MS, spreadMs), random)
  const waitMs = failures < 2 ? backedOffMs : Math.max(backedOffMs, anywhereIn(spreadMs, random))
  return retryAfterMs + waitMs
}

/**
 * For how long it counts that Vault was away: the ceiling of the backoff, so whatever retries keeps it fresh. Answers
 * do not end it: Vault gives many (`sys/health`) whatever the token.
 */
const AWAY_COUNTS_MS = OUTAGE_MAX_MS

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
  return nowMs - awayAtMs < AWAY_COUNTS_MS && lease?.hasLimitedUses !== true
}

/** A login that has become necessary. */
export interface LoginNeed {
  /** Whether Vault was just away. */
  readonly wasAway: boolean
  readonly lease: Lease | undefined
  /** Whether Vault said that the token is dead, whatever its lease says. */
  readonly isDead?: boolean
  readonly nowMs: number
}

/**
 * When it is due: at once, or somewhere in the spread when Vault was just away. A token that still lives is replaced
 * before it dies; without one the spread of a long lease (5 % of 32 days are 38 h) is cut to five minutes.
 */
export function planLogin({ wasAway, lease, isDead, nowMs }: LoginNeed, random: Random): Plan {
  if (!wasAway) return { action: 'login', atMs: nowMs }
  const leftMs = lease === undefined || isDead ? 0 : lease.expiresAtMs - nowMs
  const windowMs = Math.min(outageSpreadMs(lease), leftMs > 0 ? leftMs / 2 : REFUSED_MAX_MS)
  return { action: 'login', atMs: nowMs + anywhereIn(windowMs, random), onAnswer: !isDead }
}
