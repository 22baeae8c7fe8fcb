import type { TokenWatcher } from '@projected-token/core'
import type { VaultTokenProvider } from '@projected-token/vault'

/** A named token. */
export type Source =
  | { readonly kind: 'projected'; readonly name: string; readonly provider: TokenWatcher }
  | { readonly kind: 'vault'; readonly name: string; readonly provider: VaultTokenProvider }
