/** Reads a secret again and again, with a token that somebody keeps alive. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { monotonicNs } from '../support/volume.mjs'
import { serve } from './serve.mjs'

const READ_TIMEOUT_MS = 5_000

/** Each gives a function that reads once, and gives a status or throws. */
const kinds = {
  async ours({ address, mount, role, file, secret }) {
    const { createTokenWatcher } = await import('@projected-token/core')
    const { createVaultFetch, createVaultTokenProvider } = await import('@projected-token/vault')
    const jwt = createTokenWatcher({ path: file })
    const provider = createVaultTokenProvider({ address, role, mount, jwt, env: {} })
    const vaultFetch = createVaultFetch(provider)
    await provider.getToken()
    return () => statusOf(vaultFetch(`/v1/${secret}`, limited()))
  },

  /** By its documentation: log in, and let it renew. */
  'node-vault': (options) => useNodeVault(options, false),

  /** With what its users add: a read that is refused logs in, and is tried once more. */
  'node-vault, login at 403': (options) => useNodeVault(options, true),

  /** An agent writes the file; it is read at each read. */
  async agent({ address, sink, secret }) {
    for (;;) {
      if ((await readFile(sink, 'utf8').catch(() => '')) !== '') break
      await sleep(50)
    }
    return async () => {
      const headers = { 'x-vault-token': await readFile(sink, 'utf8') }
      return statusOf(fetch(`${address}/v1/${secret}`, { headers, ...limited() }))
    }
  },

  /** Memory of a process that has nothing to keep. */
  async static({ address, token, secret }) {
    const headers = { 'x-vault-token': token }
    return () => statusOf(fetch(`${address}/v1/${secret}`, { headers, ...limited() }))
  },
}

async function useNodeVault({ address, mount, role, file, secret, folder }, logsInAgain) {
  const require = createRequire(path.join(folder, 'package.json'))
  const client = require('node-vault')({ endpoint: address, requestOptions: { timeout: READ_TIMEOUT_MS } })
  const logIn = async () => {
    const jwt = (await readFile(file, 'utf8')).trim()
    const { auth } = await client.kubernetesLogin({ role, jwt, mount_point: mount })
    await client.startTokenRenewal({ ttl: auth.lease_duration })
  }
  const read = async () => {
    try {
      await client.read(secret)
      return 200
    } catch (error) {
      if (error.response?.statusCode === undefined) throw error
      return error.response.statusCode
    }
  }
  await logIn()
  return async () => {
    const status = await read()
    if (status !== 403 || !logsInAgain) return status
    await logIn()
    return read()
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const limited = () => ({ signal: AbortSignal.timeout(READ_TIMEOUT_MS) })

async function statusOf(answer) {
  const response = await answer
  await response.arrayBuffer()
  return response.status
}

let seen

serve({
  /** Reads every so many milliseconds, until the process ends. Resolves with the first good read. */
  async start({ kind, intervalMs, ...options }) {
    const read = await kinds[kind](options)
    const go = async () => {
      let outcome
      try {
        outcome = String(await read())
      } catch (error) {
        outcome = error.code ?? error.cause?.code ?? error.name
      }
      seen?.push({ atNs: monotonicNs(), outcome })
      return outcome
    }
    const first = await go()
    if (first !== '200') throw new Error(`${kind}: the first read was ${first}`)
    const loop = async () => {
      for (;;) {
        await sleep(intervalMs)
        await go()
      }
    }
    loop()
    return process.pid
  },

  mark() {
    seen = []
    return null
  },

  /** What was seen since the mark: outcomes with how often they were, and when the good reads after the last bad one began. */
  seen() {
    const outcomes = {}
    for (const { outcome } of seen) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    const lastBad = seen.findLastIndex(({ outcome }) => outcome !== '200')
    return { reads: seen.length, outcomes, goodAgainAtNs: seen[lastBad + 1]?.atNs ?? null }
  },
})
