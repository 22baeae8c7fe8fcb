import type { VaultConnection } from './vault-connection.js'
import type { VaultTokenProvider } from './vault-types.js'

/** What `createVaultFetch` needs of a provider and nobody else does: so not a property that everybody sees. */
const connections = new WeakMap<object, VaultConnection>()

export function registerConnection(provider: VaultTokenProvider, connection: VaultConnection): void {
  connections.set(provider, connection)
}

/** `undefined` for anything that `createVaultTokenProvider` of this copy of the package did not make. */
export function connectionOf(provider: unknown): VaultConnection | undefined {
  return typeof provider === 'object' && provider !== null ? connections.get(provider) : undefined
}
