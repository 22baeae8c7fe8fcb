import type { TokenWatcherStatus } from '@projected-token/core'
import type { VaultStatus } from '@projected-token/vault'
import type { Source } from '../source.js'
import { bounded } from './bounded.js'

/** A source as an operator sees it; plain JSON, no secret. */
export type SourceStatus =
  | { readonly kind: 'projected'; readonly name: string; readonly status: TokenWatcherStatus }
  | { readonly kind: 'vault'; readonly name: string; readonly status: VaultStatus }

export function sourceStatus(source: Source): SourceStatus {
  const { kind, name } = source
  if (kind === 'projected') return { kind, name, status: bounded(source.provider.status()) }
  const status = bounded(source.provider.status())
  // By its accessor a token can be revoked: that is for Vault's operators, not for every pod that reaches the port.
  return {
    kind,
    name,
    status: { ...status, token: status.token && { ...status.token, accessor: undefined } },
  }
}
