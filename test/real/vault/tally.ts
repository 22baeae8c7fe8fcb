/** What Vault's audit log says of a scenario, and the one line that tells of it. */
import type { Vault, VaultCount } from '../vault.js'
import { countRequests } from './audit-log.js'
import type { Tally } from './client.js'

export interface Requests {
  readonly logins: VaultCount
  readonly renewals: VaultCount
  readonly lookups: VaultCount
}

/** @returns what tells how many requests Vault took up since. */
export async function countFrom(vault: Vault, mount: string): Promise<() => Promise<Requests>> {
  const all = async (): Promise<Requests> => {
    const entries = await vault.audit()
    return {
      logins: countRequests(entries, `auth/${mount}/login`),
      renewals: countRequests(entries, 'auth/token/renew-self'),
      lookups: countRequests(entries, 'auth/token/lookup-self'),
    }
  }
  const before = await all()
  return async () => {
    const after = await all()
    const since = (name: keyof Requests): VaultCount => ({
      total: after[name].total - before[name].total,
      succeeded: after[name].succeeded - before[name].succeeded,
      refused: after[name].refused - before[name].refused,
    })
    return { logins: since('logins'), renewals: since('renewals'), lookups: since('lookups') }
  }
}

export function report(
  scenario: string,
  saw: Tally | string,
  { logins, renewals }: Pick<Requests, 'logins' | 'renewals'>,
  /** Absent: it was healthy all the time. */
  healthyAfterMs?: number | 'never',
): void {
  const seen = typeof saw === 'string' ? saw : JSON.stringify(saw)
  const healthy =
    healthyAfterMs === undefined
      ? 'always healthy'
      : healthyAfterMs === 'never'
        ? 'never healthy'
        : `healthy after ${Math.round(healthyAfterMs)} ms`
  console.log(
    `${scenario}: caller saw ${seen}; logins ${count(logins)}, renewals ${count(renewals)}; ${healthy}`,
  )
}

const count = ({ total, refused }: VaultCount) =>
  refused === 0 ? `${total}` : `${total} (${refused} refused)`
