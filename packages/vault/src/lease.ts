/**
 * How a lease ends:
 * - `renewable`: by renewal;
 * - `fixed`: by another login, because Vault will not renew it, or only for ever less;
 * - `root`: never; it is not to be renewed;
 * - `zero`: Vault gave 0 seconds to a token that is not root's. Nobody knows how long it lives: it is used for a
 *   second, and replaced on demand only, so that nothing loops.
 */
export type LeaseKind = 'renewable' | 'fixed' | 'root' | 'zero'

/** How long a Vault token lives. Times are monotonic milliseconds. */
export interface Lease {
  readonly kind: LeaseKind
  /** As Vault granted it, at least 1 s; `Infinity` for root's. */
  readonly ttlMs: number
  readonly sentAtMs: number
  /** The moment the request was *sent*, plus the TTL: Vault counted from some moment after it. */
  readonly expiresAtMs: number
  /** Whether the token may end before its time, by being used. */
  readonly hasLimitedUses: boolean
}

/** What of an answer of Vault's says how long its token lives. */
export interface Grant {
  /** `auth.lease_duration`, in seconds. */
  readonly leaseSeconds: number
  readonly renewable: boolean
  readonly type: string
  readonly numUses: number
  readonly isRoot: boolean
}

const MIN_TTL_MS = 1_000
/** A hundred years, so that every sum with it is a date. */
const MAX_TTL_MS = 100 * 365.25 * 86_400_000

/**
 * The lease that an answer grants.
 *
 * @param sentAtMs when the request was sent, by the monotonic clock.
 * @param previous the lease that was renewed.
 */
export function leaseOf(grant: Grant, sentAtMs: number, previous?: Lease): Lease {
  if (grant.isRoot) {
    const never = Number.POSITIVE_INFINITY
    return { kind: 'root', ttlMs: never, sentAtMs, expiresAtMs: never, hasLimitedUses: false }
  }
  const ttlMs = Math.min(MAX_TTL_MS, Math.max(MIN_TTL_MS, grant.leaseSeconds * 1_000))
  return {
    kind: kindOf(grant, ttlMs, previous),
    ttlMs,
    sentAtMs,
    expiresAtMs: sentAtMs + ttlMs,
    hasLimitedUses: grant.numUses > 0,
  }
}

function kindOf(grant: Grant, ttlMs: number, previous: Lease | undefined): LeaseKind {
  // A renewal that gives nothing has met the maximum TTL: that token's life is known, and over.
  if (grant.leaseSeconds <= 0) return previous === undefined ? 'zero' : 'fixed'
  if (!grant.renewable || grant.type === 'batch' || grant.numUses > 0) return 'fixed'
  // Vault grants what is left until the maximum TTL: less than half says that the next renewal is worth nothing.
  return previous !== undefined && ttlMs < previous.ttlMs / 2 ? 'fixed' : 'renewable'
}
