import type { Clock, Token } from '@projected-token/core'
import { createVaultFetch } from '@projected-token/vault'
import type { CliIo } from '../io.js'
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

/** It only adds to what is known, and the token is waited for: a Vault that does not answer it has answered the login. */
const LOOKUP_LIMIT_MS = 5_000

/** Puts together what is known of a token that was just obtained. @throws the signal's reason */
export async function describeLogin(
  { provider }: OpenVault,
  token: Token,
  { clock, signal }: Pick<CliIo, 'clock' | 'signal'>,
): Promise<LoginAnswer> {
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
  const lookup = status.renewsAtMs === undefined ? undefined : await lookUp(provider, token, clock, signal)
  signal.throwIfAborted()
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
async function lookUp(
  provider: OpenVault['provider'],
  { token }: Token,
  clock: Clock,
  interrupted: AbortSignal,
): Promise<Lookup | undefined> {
  const late = new AbortController()
  const cancel = clock.setTimer(() => late.abort(), LOOKUP_LIMIT_MS, { keepAlive: true })
  try {
    // With a header of one's own: a refusal says nothing about the token, and must not cause another login.
    const headers = { 'x-vault-token': token }
    const signal = AbortSignal.any([interrupted, late.signal])
    const response = await createVaultFetch(provider)('/v1/auth/token/lookup-self', { headers, signal })
    const { data } = (await response.json()) as { data?: Lookup }
    return response.ok ? data : undefined
  } catch {
    return undefined
  } finally {
    cancel()
  }
}
