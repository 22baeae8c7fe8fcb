/** A program that reads a secret with this project's parts, and what it saw. */
import { setTimeout as delay } from 'node:timers/promises'
import { createTokenWatcher, type TokenProvider, type TokenWatcher } from '@projected-token/core'
import {
  createVaultFetch,
  createVaultTokenProvider,
  type VaultEvents,
  type VaultTokenProvider,
  type VaultTokenProviderOptions,
} from '@projected-token/vault'
import { vi } from 'vitest'
import type { KubeVolume } from '../kube.js'
import type { Vault } from '../vault.js'

/** After a failed read, which may have cost no I/O: a loop without it would stop all timers. */
const failurePauseMs = 10
const readTimeoutMs = 10_000
const untilTimeoutMs = 90_000

export interface ClientOptions extends Partial<Omit<VaultTokenProviderOptions, 'jwt'>> {
  /** The role and, unless told otherwise, the mount. */
  mount?: 'kubernetes' | 'jwt' | (string & {})
}

/** How often something was seen: '200', '403', 'ERR_VAULT_SEALED', 'ECONNREFUSED', … */
export type Tally = Record<string, number>

export interface Client {
  readonly provider: VaultTokenProvider
  readonly fetch: typeof globalThis.fetch
  readonly events: Array<keyof VaultEvents>
  /** One read: its status, or the code of its error. */
  read(path?: string): Promise<string>
  /** Reads from now on, one after the other in each of so many loops. @returns what ends that, and tells what they saw */
  load(loops: number, pauseMs?: number): () => Promise<Tally>
  /** Reads until a read is good. @returns milliseconds since `sinceMs` of `performance.now()` */
  healthyAfter(sinceMs: number): Promise<number>
  until(condition: (provider: VaultTokenProvider) => unknown): Promise<void>
  /** Of the JWT's source too. */
  close(): Promise<void>
}

export function createClient(vault: Vault, source: KubeVolume | TokenProvider, options: ClientOptions = {}) {
  const watcher =
    'path' in source
      ? createTokenWatcher({ path: source.path, audience: 'vault' })
      : (source as TokenProvider)
  const method = options.mount === 'jwt' ? 'jwt' : 'kubernetes'
  const provider = createVaultTokenProvider({
    ...{ address: vault.address, ca: vault.caPem, env: {}, role: 'app', method, jwt: watcher },
    ...options,
  })
  const fetch = createVaultFetch(provider)
  const events: Array<keyof VaultEvents> = []
  const names = ['login', 'renewed', 'failed', 'recovered', 'jwtRefused', 'expired', 'state'] as const
  for (const name of names) provider.on(name, () => events.push(name))

  const client: Client = {
    ...{ provider, fetch, events },
    async read(path = 'secret/data/app') {
      try {
        const response = await fetch(`/v1/${path}`, { signal: AbortSignal.timeout(readTimeoutMs) })
        await response.text()
        return String(response.status)
      } catch (error) {
        return codeOf(error)
      }
    },
    load(loops, pauseMs = 0) {
      const tally: Tally = {}
      let isOver = false
      const loop = async () => {
        while (!isOver) {
          const seen = await client.read()
          tally[seen] = (tally[seen] ?? 0) + 1
          if (seen !== '200') await delay(failurePauseMs)
          else if (pauseMs > 0) await delay(pauseMs)
        }
      }
      const running = Promise.all(Array.from({ length: loops }, loop))
      return async () => {
        isOver = true
        await running
        return tally
      }
    },
    async healthyAfter(sinceMs) {
      await vi.waitUntil(async () => (await client.read()) === '200', {
        timeout: untilTimeoutMs,
        interval: 10,
      })
      return performance.now() - sinceMs
    },
    until: async (condition) => {
      await vi.waitUntil(() => condition(provider), { timeout: untilTimeoutMs, interval: 5 })
    },
    async close() {
      await provider.close()
      if ('path' in source) await (watcher as TokenWatcher).close()
    },
  }
  return client
}

/** Fetch wraps an error of the network; an aborted one has a number for a code. */
export function codeOf(error: unknown): string {
  const { code, cause, name } = error as { code?: unknown; cause?: unknown; name: string }
  if (typeof code === 'string') return code
  return cause === undefined ? name : codeOf(cause)
}

/** Has the kubelet's code rotate the token now. Of a token of 15 s it can, 2 s after it was issued. */
export async function rotate(volume: KubeVolume): Promise<void> {
  await vi.waitUntil(async () => (await volume.sync()).rotated, { timeout: untilTimeoutMs, interval: 20 })
}
