import { type Clock, createTokenWatcher, type TokenWatcher } from '@projected-token/core'
import type { SidecarConfig, SourceReference } from '../config/sidecar-config.js'
import type { Source } from '../source.js'

/** All configured tokens, in the order of the configuration: the files', then Vault's. */
export interface Sources {
  readonly all: readonly Source[]
  /** The token of that kind and name; without a name the first. */
  find(kind: Source['kind'], name?: string): Source | undefined
  /** The one that is known to be there. */
  get(reference: SourceReference): Source
  /** Vault's first: they read the files' tokens. */
  close(): Promise<void>
}

/**
 * Starts to watch all files and to log in; timers and watches hold the process. Nothing has happened yet when it
 * fulfils: whoever listens at once misses no event.
 */
export async function createSources(config: SidecarConfig, clock: Clock): Promise<Sources> {
  // Its HTTP client costs memory that most sidecars need not spend.
  const vault = config.vaultTokens.length > 0 ? await import('@projected-token/vault') : undefined
  const watchers = new Map<string, TokenWatcher>()
  const all: Source[] = []
  const close = async () => {
    for (const kind of ['vault', 'projected'] as const) {
      await Promise.all(all.filter((source) => source.kind === kind).map(({ provider }) => provider.close()))
    }
  }
  try {
    for (const { name, audience, ...token } of config.tokens) {
      const expected = audience.length === 0 ? {} : { audience: [...audience] }
      const provider = createTokenWatcher({ ...token, ...expected, keepAlive: true, clock })
      watchers.set(name, provider)
      all.push({ kind: 'projected', name, provider })
    }
    for (const { name, jwt, ...login } of config.vaultTokens) {
      const watcher = watchers.get(jwt)
      if (!vault || !watcher) throw new TypeError(`There is no token '${jwt}' for the Vault token '${name}'`)
      const provider = vault.createVaultTokenProvider({ ...login, jwt: watcher, keepAlive: true, clock })
      all.push({ kind: 'vault', name, provider })
    }
  } catch (error) {
    await close()
    throw error
  }
  const find = (kind: Source['kind'], name?: string) =>
    all.find((source) => source.kind === kind && (name === undefined || source.name === name))
  return {
    all,
    find,
    get({ kind, name }) {
      const source = find(kind, name)
      if (!source) throw new TypeError(`There is no token '${name}'`)
      return source
    },
    close,
  }
}
