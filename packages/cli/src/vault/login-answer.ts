import type { Token } from '@projected-token/core'
import { createVaultFetch } from '@projected-token/vault'
import type { OpenVault } from './open-vault.js'

/** What `vault login` tells of a login. */
export interface LoginAnswer {
  readonly token: string
  readonly accessor: string
  readonly tokenPolicies: readonly string[]
  readonly identityPolicies: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  readonly entityId: string
  /** 0: it never expires. */
  readonly leaseSeconds: number
  readonly renewable: boolean
}

/** Puts together what is known of a token that was just obtained. */
export async function describeLogin({ provider }: OpenVault, token: Token): Promise<LoginAnswer> {
  const status = provider.status()
  const {
    accessor = '',
    policies = [],
    metadata = {},
    entityId = '',
    leaseMs,
    renewable,
  } = status.token ?? {}
  // A lookup alone tells the identity's policies from the token's. It would spend a use of a token that has few: one
  // that is going to be renewed has none to count.
  const lookup = status.renewsAtMs === undefined ? undefined : await lookUp(provider, token)
  return {
    token: token.token,
    accessor,
    tokenPolicies: lookup?.policies ?? policies,
    identityPolicies: lookup?.identity_policies ?? [],
    metadata,
    entityId,
    leaseSeconds: Math.round((leaseMs ?? 0) / 1_000),
    renewable: renewable ?? false,
  }
}

interface Lookup {
  policies?: string[] | null
  identity_policies?: string[] | null
}

/** `undefined` when Vault does not say: a role without the policy `default` may not look at itself. */
async function lookUp(provider: OpenVault['provider'], { token }: Token): Promise<Lookup | undefined> {
  try {
    // With a header of one's own: a refusal says nothing about the token, and must not cause another login.
    const headers = { 'x-vault-token': token }
    const response = await createVaultFetch(provider)('/v1/auth/token/lookup-self', { headers })
    const { data } = (await response.json()) as { data?: Lookup }
    return response.ok ? data : undefined
  } catch {
    return undefined
  }
}
