/**
 * The clients, in one process: fetch, an undici dispatcher, gRPC and Vault with the product's own adapters, and two that
 * have the sidecar do it. Beside each request a perfect client reads the file; the server judges both.
 */
import { closeSync, openSync } from 'node:fs'
import { getHeapStatistics } from 'node:v8'
import { serve } from '../support/child.mjs'
import { createLedger } from '../support/ledger.mjs'
import { createPerfectClient } from '../support/perfect-client.mjs'
import { startEndpointClient, startFetch, startGrpc, startProxyClient, startUndici } from './http-clients.mjs'
import { startVaultClient } from './vault-client.mjs'

const REPORT_INTERVAL_MS = 1_000
const JUDGE_ATTEMPTS = 20
const BY_SIDECAR = ['sidecar proxy', 'token endpoint']

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

let isRunning = true
const loops = []
const ledger = createLedger()
const watchers = []
let isSidecarStopped = false
/** A descriptor that a connection leaves is there for a moment: no client of this process can count on it. */
let isExhausted = false

const post = serve({
  /** @param params { token: { path, audience, issuer, subject }, server, sidecar, vault, meanPauseMs, concurrency } */
  async start(params) {
    const create = () => createPerfectClient(params.token.path, params.token)
    const perfect = whileFilesOpen(create())
    const perfectSidecar = whileRunning(create())
    const context = {
      ...params,
      perfect: whileFilesOpen(create()).look,
      keep: (watcher) => watchers.push(watcher) && watcher,
    }
    const clients = {
      fetch: await startFetch(context),
      undici: await startUndici(context),
      grpc: await startGrpc(context),
      'sidecar proxy': startProxyClient(context),
      'token endpoint': startEndpointClient(context),
    }
    for (const [name, send] of Object.entries(clients)) {
      const oracle = BY_SIDECAR.includes(name) ? perfectSidecar : perfect
      const request = () => requestOnce(name, send, oracle, params.server.url)
      for (let index = 0; index < params.concurrency; index++) loops.push(repeat(request, params.meanPauseMs))
    }
    if (params.vault) {
      const request = await startVaultClient(context, (...record) => ledger.add('vault', ...record))
      for (let index = 0; index < 2; index++) loops.push(repeat(request, 4 * params.meanPauseMs))
    }
    setInterval(report, REPORT_INTERVAL_MS)
  },
  async stop() {
    isRunning = false
    await Promise.all(loops)
    report()
  },
  states: () => watchers.map((watcher) => watcher.status().state),
  reads: () => watchers.map((watcher) => watcher.status().reads).filter((reads) => reads !== undefined),
  stopPerfectSidecar({ stopped }) {
    isSidecarStopped = stopped
  },
  /** The event loop stands still. */
  block({ ms }) {
    const until = performance.now() + ms
    while (performance.now() < until);
  },
  /** No file and no socket can be opened: EMFILE. */
  async exhaustFiles({ ms }) {
    const files = []
    isExhausted = true
    try {
      for (;;) files.push(openSync('/dev/null'))
    } catch (error) {
      if (error.code !== 'EMFILE') throw error
      await pause(ms)
    } finally {
      for (const file of files) closeSync(file)
      isExhausted = false
    }
  },
  sample() {
    globalThis.gc?.()
    // process.memoryUsage() opens a file, and there may be no descriptor left.
    const heapUsed = getHeapStatistics().used_heap_size
    const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
    return { heapUsed, listeners, resources: countByName(process.getActiveResourcesInfo()) }
  },
})

const whileFilesOpen = ({ look, refused }) => ({ look: () => look({ isBlind: isExhausted }), refused })

/** A client that reads nothing while the sidecar is stopped, and has what it read before. */
function whileRunning({ look, refused }) {
  let last = look()
  return {
    look() {
      if (!isSidecarStopped) last = look()
      return last
    },
    refused,
  }
}

function report() {
  post(ledger.take())
}

async function repeat(request, meanPauseMs) {
  while (isRunning) {
    await pause(2 * meanPauseMs * Math.random())
    await request()
  }
}

/** @param send gives { verdict } of the attempt that counts, or { local } when nothing was sent, or throws */
async function requestOnce(name, send, perfect, serverUrl) {
  const startedAtMs = Date.now()
  const oracle = perfect.look()
  const publishedMs = oracle.publishedAtMs && startedAtMs - oracle.publishedAtMs
  const header = oracle.tokens.join(',')
  try {
    const { verdict, local } = await send(header)
    if (verdict?.elsewhere) return ledger.add(name, 'elsewhere', { startedAtMs })
    const endedAtMs = Date.now()
    for (const index of verdict?.oracleRefused ?? []) perfect.refused(oracle.tokens[index])
    const judged = local ? await askJudge(serverUrl, header, startedAtMs, endedAtMs) : verdict
    if (judged.isStale && publishedMs !== undefined) ledger.stale(name, startedAtMs, publishedMs)
    if (!local && !verdict.reason) return ledger.add(name, 'accepted', { startedAtMs })
    const { oracleAccepted, oracleAcceptedFirst } = judged
    const reason = local ?? verdict.reason
    const fates = { oracleAccepted, oracleAcceptedFirst }
    ledger.add(name, 'refused', { startedAtMs, endedAtMs, reason, ...fates, publishedMs })
  } catch (error) {
    ledger.add(name, 'failed', { startedAtMs, reason: describe(error) })
  }
}

/** The perfect client's fate at both moments. Asks until there is an answer: a fault may be in the way of this, too. */
async function askJudge(serverUrl, oracle, ...momentsMs) {
  for (let attempt = 1; ; attempt++) {
    try {
      const [first, last] = await Promise.all(
        momentsMs.map(async (atMs) => {
          const response = await fetch(`${serverUrl}/judge?at=${atMs}`, { headers: { 'x-oracle': oracle } })
          return response.json()
        }),
      )
      return { ...last, oracleAcceptedFirst: first.oracleAccepted }
    } catch (error) {
      if (attempt >= JUDGE_ATTEMPTS) throw error
      await pause(500)
    }
  }
}

function describe(error) {
  return [error, error.cause]
    .filter(Boolean)
    .map(({ code, message }) => `${code ?? ''} ${message}`.trim())
    .join(': ')
    .slice(0, 200)
}

function countByName(names) {
  const counts = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
