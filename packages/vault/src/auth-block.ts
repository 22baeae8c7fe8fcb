import type { Grant } from './lease.js'

/** What a login or a renewal gave. */
export interface AuthBlock extends Grant {
  /** The secret. */
  readonly clientToken: string
  readonly accessor: string | undefined
  readonly tokenPolicies: readonly string[]
  readonly identityPolicies: readonly string[]
  readonly entityId: string | undefined
  /** What the mount says of the one who logged in: the service account, for example. */
  readonly metadata: Readonly<Record<string, string>>
}

/** What an answer's body holds instead of a usable token. */
export type AuthProblem = 'mfa' | 'malformed'

/**
 * Reads the `auth` block of an answer (`auth.lease_duration` counts; the top level's is 0).
 *
 * @param held the token that a renewal was for, which stays the same.
 */
export function readAuthBlock(body: unknown, held?: string): AuthBlock | AuthProblem {
  const auth = record(record(body).auth)
  if (auth.mfa_requirement !== undefined && auth.mfa_requirement !== null) return 'mfa'
  const { lease_duration: leaseSeconds } = auth
  const clientToken = held ?? auth.client_token
  if (typeof clientToken !== 'string' || !/^[\x21-\x7e]+$/.test(clientToken)) return 'malformed'
  if (typeof leaseSeconds !== 'number' || !(leaseSeconds >= 0)) return 'malformed'
  const tokenPolicies = strings(auth.token_policies ?? auth.policies)
  const numUses = typeof auth.num_uses === 'number' ? auth.num_uses : 0
  return {
    clientToken,
    leaseSeconds,
    numUses,
    tokenPolicies,
    identityPolicies: strings(auth.identity_policies),
    renewable: auth.renewable === true,
    type: text(auth.token_type) ?? 'service',
    // A root token with a TTL exists (`vault token create -policy=root -ttl=…`): that one does expire.
    isRoot: tokenPolicies.includes('root') && leaseSeconds === 0,
    accessor: text(auth.accessor),
    entityId: text(auth.entity_id),
    metadata: Object.fromEntries(
      Object.entries(record(auth.metadata)).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    ),
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
