import type { VaultConnection } from './vault-connection.js'
import type { VaultTokenProvider } from './vault-types.js'

/** What `createVaultFetch` needs of a provider and nobody else does: so not properties that everybody sees. */
export interface ProviderInside {
  readonly connection: VaultConnection
  /** Tells whether a request of the caller's was answered, or was not because Vault is away. */
  sawVault(isAway: boolean): void
}

const insides = new WeakMap<object, ProviderInside>()

export function registerInside(provider: VaultTokenProvider, inside: ProviderInside): void {
  insides.set(provider, inside)
}

/** `undefined` for anything that `createVaultTokenProvider` of this copy of the package did not make. */
export function insideOf(provider: unknown): ProviderInside | undefined {
  return typeof provider === 'object' && provider !== null ? insides.get(provider) : undefined
}
