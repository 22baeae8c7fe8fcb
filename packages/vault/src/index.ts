export type { FailureClass } from './classify-answer.js'
export { type AnyFetch, createVaultFetch, type VaultFetchOptions } from './create-vault-fetch.js'
export { readVaultEnvironment, type VaultEnvironment, withoutVaultToken } from './vault-environment.js'
export { VaultError, type VaultErrorCode, type VaultErrorOptions } from './vault-error.js'
export { createVaultTokenProvider } from './vault-token-provider.js'
export type {
  VaultEvents,
  VaultFailureStatus,
  VaultState,
  VaultStatus,
  VaultTokenProvider,
  VaultTokenProviderOptions,
  VaultTokenStatus,
} from './vault-types.js'
