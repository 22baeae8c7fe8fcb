import type { VaultConnection } from './vault-connection.js'
import type { VaultTokenProvider } from './vault-types.js'

/** What `createVaultFetch` needs of a provider and nobody else does: so not properties that everybody sees. */
export interface ProviderInside {
  readonly connection: VaultConnection
  /** Tells that a request of the caller's has seen that Vault is away. */
  sawAway(): void
}

const insides = new WeakMap<object, ProviderInside>()

export function registerInside(provider: VaultTokenProvider, inside: ProviderInside): void {
  insides.set(provider, inside)
}

/** `undefined` for anything that `createVaultTokenProvider` of this copy of the package did not make. */
export function insideOf(provider: unknown): ProviderInside | undefined {
  return typeof provider === 'object' && provider !== null ? insides.get(provider) : undefined
}
