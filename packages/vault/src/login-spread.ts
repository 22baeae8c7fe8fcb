import { anywhereIn, type Random } from './jitter.js'
import type { Lease } from './lease.js'

/** 5 % of a long lease (of 32 days 38 h) would be too long without a token, unless somebody has chosen it. */
const MAX_WITHOUT_TOKEN_MS = 300_000
/** By how much the period of retries varies: little, so that the pods keep their places in it. */
const PERIOD_JITTER = 0.1

/** What says how widely logins spread. */
export interface SpreadRule {
  /** The last lease that there was, or its TTL; `undefined`: there was never one. */
  readonly lease: Pick<Lease, 'ttlMs'> | undefined
  /** The option. */
  readonly loginSpreadMs: number | undefined
}

/** Over how long the logins that follow an outage spread; 5 s when no lease says more. */
export function outageSpreadMs(lease: Pick<Lease, 'ttlMs'> | undefined): number {
  return lease === undefined || lease.ttlMs === Number.POSITIVE_INFINITY
    ? 5_000
    : Math.max(5_000, lease.ttlMs / 20)
}

/** Over how long the logins spread of pods that have no token, and may all have lost it at the same moment. */
export function lossSpreadMs({ lease, loginSpreadMs }: SpreadRule): number {
  return loginSpreadMs ?? Math.min(MAX_WITHOUT_TOKEN_MS, outageSpreadMs(lease))
}

/**
 * Over how long logins spread that have failed because Vault is away: twice as long as it has been away, from the rule's
 * spread up to the option's. Tokens end one after the other, about as fast as they are renewed: those that ended in the
 * outage come back at half that rate. And nobody waits half an hour after an outage of a minute.
 *
 * @param awayForMs how long Vault has been away.
 * @param leftMs how long the token in use still lives, if it must be replaced before its end.
 */
export function retrySpreadMs(rule: SpreadRule, awayForMs: number, leftMs: number): number {
  const leastMs = Math.min(MAX_WITHOUT_TOKEN_MS, outageSpreadMs(rule.lease))
  const spreadMs = Math.min(lossSpreadMs(rule), Math.max(leastMs, 2 * awayForMs))
  return leftMs > 0 ? Math.min(spreadMs, Math.max(leastMs, leftMs / 2)) : spreadMs
}

/**
 * How long to wait within a spread. A first wait takes a place anywhere in it; the next ones keep it, by waits of the
 * whole spread. So there are as many attempts at the end of an outage as at any other time. Waits from zero to the
 * whole spread would be half as long on average, and the attempts twice as many.
 *
 * @param lastSpreadMs the spread of the wait before this one, if there was one.
 */
export function waitInSpreadMs(spreadMs: number, lastSpreadMs: number | undefined, random: Random): number {
  return spreadMs === lastSpreadMs
    ? spreadMs - anywhereIn(spreadMs * PERIOD_JITTER, random)
    : anywhereIn(spreadMs, random)
}
