/** Logs in to Vault, and reads a secret with the adapter and with a static token. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { createTokenWatcher } from '@projected-token/core'
import { createVaultFetch, createVaultTokenProvider } from '@projected-token/vault'
import { serve } from './serve.mjs'

const CONCURRENCY = 16
const SECRET_PATH = '/v1/secret/data/app'
const sides = {}
let provider

serve({
  /** @returns how many tokens came of so many calls at once on a provider that was just made, and after how long */
  async cold({ address, file, calls }) {
    const startedAtMs = performance.now()
    provider = createVaultTokenProvider({
      address,
      role: 'app',
      jwt: createTokenWatcher({ path: file }),
      env: {},
    })
    const tokens = await Promise.all(Array.from({ length: calls }, () => provider.getToken()))
    return { ms: performance.now() - startedAtMs, tokens: tokens.length, different: new Set(tokens).size }
  },

  async prepare({ address }) {
    // The copy of undici that the adapter uses.
    const vault = fileURLToPath(import.meta.resolve('@projected-token/vault'))
    const { Agent, fetch, request } = createRequire(vault)('undici')
    const dispatcher = new Agent()
    const headers = { 'x-vault-token': (await provider.getToken()).token }
    const vaultFetch = createVaultFetch(provider)
    sides.adapter = async () => (await vaultFetch(SECRET_PATH)).json()
    sides.bare = async () => (await fetch(address + SECRET_PATH, { dispatcher, headers })).json()
    sides.request = async () => (await request(address + SECRET_PATH, { dispatcher, headers })).body.json()
  },

  /** @returns reads a second, and the processor's microseconds a read */
  async load({ side, reads }) {
    let left = reads
    const work = async () => {
      while (left-- > 0) {
        const { data } = await sides[side]()
        if (data.data.username !== 'app') throw new Error('not the secret')
      }
    }
    const cpu = process.cpuUsage()
    const startedAt = process.hrtime.bigint()
    await Promise.all(Array.from({ length: CONCURRENCY }, work))
    const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9
    const { user, system } = process.cpuUsage(cpu)
    return { perSecond: reads / seconds, cpuMicros: (user + system) / reads }
  },
})
