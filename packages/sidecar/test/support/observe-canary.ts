import { createTokenWatcher } from '@projected-token/core'
import { startFakeKubelet } from '@projected-token/testing'
import { createVaultTokenProvider } from '@projected-token/vault'
import type { Source } from '../../src/source.js'
import { startVaultStandIn } from './observe-vault.js'

/** Sources that have had tokens, failures and a rotation, and all that nobody may ever see of them. */
export interface Canaries {
  readonly sources: readonly Source[]
  /** Tokens and their signatures, what lay in a broken file, Vault's tokens and accessors. */
  secrets(): string[]
  /** Another token, a broken file and a mended one. */
  stir(): Promise<void>
  close(): Promise<void>
}

export async function startCanaries(): Promise<Canaries> {
  const node = await startFakeKubelet({ algorithm: 'ES256', serve: false, autoRotate: false })
  const vault = await startVaultStandIn()
  const seen = [node.current.token]
  const watcher = createTokenWatcher({ path: node.path })
  const provider = createVaultTokenProvider({ address: vault.url, role: 'app', jwt: watcher, env: {} })
  await watcher.getToken()
  await provider.getToken()
  return {
    sources: [
      { kind: 'projected', name: 'vault-token', provider: watcher },
      { kind: 'vault', name: 'app', provider },
    ],
    secrets: () => [
      ...seen.flatMap((token) => [token, token.split('.')[2] ?? token]),
      ...vault.issued,
      'CANARY',
    ],
    async stir() {
      await node.writeRaw('CANARY-line-1\nCANARY-line-2')
      await watcher.reload()
      seen.push((await node.rotate()).token)
      await watcher.reload()
      vault.isSealed = true
      await provider.login()
      vault.isSealed = false
      await provider.login()
    },
    async close() {
      await provider.close()
      await watcher.close()
      await vault.close()
      await node.close()
    },
  }
}
