import { anywhereIn, type Random } from './jitter.js'
import type { Lease } from './lease.js'
import { type Plan, REST } from './plan.js'

/**
 * What to do about a lease that was just granted. Never at once, never after its end.
 *
 * A renewable one is renewed at 2/3 of its TTL plus up to 1/15: a third is left for retries, and pods that started
 * together drift apart. (Vault's Go client, `api/lifetime_watcher.go`, renews at 2/3 plus 1/30 to 1/15.) One that cannot
 * be renewed is replaced at 70 to 73 %.
 */
export function planForLease(lease: Lease, random: Random): Plan {
  const { ttlMs, sentAtMs } = lease
  switch (lease.kind) {
    case 'root':
    case 'zero':
      return REST
    case 'renewable':
      return { action: 'renew', atMs: sentAtMs + (ttlMs * 2) / 3 + anywhereIn(ttlMs / 15, random) }
    case 'fixed':
      return { action: 'login', atMs: sentAtMs + ttlMs * 0.7 + anywhereIn(ttlMs * 0.03, random) }
  }
}

/** The time before the end of a lease that belongs to a login: renewals are not tried then until one has failed. */
export function loginReserveMs(lease: Lease): number {
  return Math.max(lease.ttlMs / 10, Math.min(5_000, lease.ttlMs / 3))
}
