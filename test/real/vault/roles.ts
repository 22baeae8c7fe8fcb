/** What a role's tokens may do unless it says otherwise: read the secrets of putSecret(). */
export const readerPolicy = 'secret-reader'

/** Vault's own parameters; those of either method have defaults, see writeRole(). Durations are seconds or '10s'. */
export interface VaultRole {
  token_ttl?: string | number
  token_max_ttl?: string | number
  token_period?: string | number
  token_type?: 'default' | 'service' | 'batch'
  token_num_uses?: number
  token_policies?: string[]
  bound_service_account_names?: string[]
  bound_service_account_namespaces?: string[]
  audience?: string
  bound_audiences?: string[]
  bound_subject?: string
  [parameter: string]: unknown
}

/** They fit startKube()'s default volume: service account build-robot in namespace default, audience vault. */
export const defaultRoles: Record<'kubernetes' | 'jwt', VaultRole> = {
  kubernetes: {
    bound_service_account_names: ['build-robot'],
    bound_service_account_namespaces: ['default'],
    audience: 'vault',
    token_policies: [readerPolicy],
  },
  jwt: {
    role_type: 'jwt',
    user_claim: 'sub',
    bound_audiences: ['vault'],
    bound_subject: 'system:serviceaccount:default:build-robot',
    token_policies: [readerPolicy],
  },
}
