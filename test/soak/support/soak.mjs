/** One run: starts everything, lets faults come and go, and gathers what happened. */
import { startFakeKubelet } from '@projected-token/testing'
import { startChild } from './child.mjs'
import { FILE_FAULTS, OTHER_FAULTS, runLane } from './faults.mjs'
import { judgeGrowth } from './growth.mjs'
import { sampleProcess } from './process-sample.mjs'
import { createRandom } from './random.mjs'
import { startSidecar, startVault } from './servers.mjs'
import { createTally } from './tally.mjs'

const AUDIENCE = 'vault'
const SUBJECT = 'system:serviceaccount:default:build-robot'
/** A fifteenth of the shortest that Kubernetes gives, so that an hour has many rotations. */
const EXPIRATION_SECONDS = 40
const SYNC_PERIOD_MS = 1_000
/** So that the fault that leaves no descriptor has few to take. */
const OPEN_FILES = 512
const CONCURRENCY = 2
const MEAN_PAUSE_MS = 60
/** After the last fault: longer than the longest wait between two looks at a file that could not be read. */
const RECOVERY_MS = 60_000
const MAX_HEAP_GAIN = 8 * 2 ** 20
const MAX_RESIDENT_GAIN = 64 * 2 ** 20
/** Sockets come and go with the faults. */
const MAX_HANDLE_GAIN = 12
/** Fewer samples say nothing of growth. */
const MIN_SAMPLES = 8

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** @param options { minutes, seed, standIn: whether Vault is one, progress: gets lines } */
export async function soak({ minutes, seed, standIn, progress }) {
  const closing = []
  const keep = (part) => closing.unshift(part) && part
  try {
    const parts = await start(keep, standIn, progress)
    return await run(parts, { minutes, seed, progress })
  } finally {
    for (const part of closing) await part.close()
  }
}

async function start(keep, standIn, progress) {
  const tally = createTally((violation) => progress(describeViolation(violation)))
  const kubelet = keep(
    await startFakeKubelet({
      ...{ audience: AUDIENCE, expirationSeconds: EXPIRATION_SECONDS, syncPeriodMs: SYNC_PERIOD_MS },
    }),
  )
  const server = keep(startChild('verifying-server.mjs'))
  const { jwks, issuer, path } = kubelet
  const token = { path, issuer, audience: AUDIENCE, subject: SUBJECT }
  const addresses = await server.call('listen', { jwks, issuer, audience: AUDIENCE })
  const sidecar = keep(await startSidecar(token, addresses.url))
  if (!standIn) progress('starting Vault (it is built first if need be)')
  const { vault, client: vaultClient, kind: vaultKind } = await startVault(kubelet, { standIn })
  keep(vault)
  const clients = keep(
    startChild('clients.mjs', {
      execArgv: ['--expose-gc'],
      openFiles: OPEN_FILES,
      onPost: tally.take,
    }),
  )
  await clients.call('start', {
    ...{ token, server: addresses, vault: vaultClient },
    sidecar: { proxy: sidecar.proxy, api: sidecar.api },
    ...{ concurrency: CONCURRENCY, meanPauseMs: MEAN_PAUSE_MS },
  })
  return { tally, kubelet, server, sidecar, clients, vault, vaultKind }
}

async function run(parts, { minutes, seed, progress }) {
  const { tally, kubelet, server, sidecar, clients, vaultKind } = parts
  const random = createRandom(seed)
  const untilMs = Date.now() + minutes * 60_000
  const problems = []
  /** A process that is gone does not come back. */
  const gone = () => [clients, server, sidecar].map(({ ended }) => ended && String(ended)).filter(Boolean)
  const shouldStop = () => Date.now() >= untilMs || gone().length > 0
  const context = { ...parts, untilLooked: () => untilLooked(clients) }
  const onError = (error) => problems.push(`a fault failed: ${error}`) && progress(problems.at(-1))
  const lane = (faults) => runLane({ faults, context, random, shouldStop, log: tally.begin, onError })
  const lanes = Promise.all([lane(FILE_FAULTS), lane(OTHER_FAULTS)])

  const samples = []
  const processes = { clients: clients.pid, sidecar: sidecar.pid, server: server.pid }
  for (let minute = 0; !shouldStop(); minute++) {
    await pause(Math.max(0, Math.min(60_000, untilMs - Date.now())))
    if (gone().length > 0) break
    samples.push(await sample(processes, clients))
    progress(tally.line(minute + 1, minutes, samples.at(-1), kubelet.rotations))
  }
  await lanes
  problems.push(...gone())
  // After an outage the kubelet itself waits for up to two minutes.
  if (kubelet.current.expiresAtMs <= Date.now()) await kubelet.rotate()
  const unrecovered = gone().length > 0 ? [] : await recover(clients, tally)
  const { elsewhere } = server.ended ? { elsewhere: {} } : await server.call('counts')
  const totals = tally.finish()
  problems.push(...unrecovered, ...totals.violations.map(describeViolation))
  if (elsewhere.withToken > 0) problems.push(`${elsewhere.withToken} tokens went to another server`)
  const growth = judgeSamples(samples)
  problems.push(...growth.filter(({ grows }) => grows).map(({ name }) => `${name} grew`))
  const { rotations, failedTokenRequests } = kubelet
  return { problems, ...totals, elsewhere, rotations, failedTokenRequests, vaultKind, samples, growth }
}

/** Waits for every provider to have a valid token again. @returns what is wrong */
async function recover(clients, tally) {
  const fromMs = Date.now()
  for (;;) {
    const states = await clients.call('states')
    const bad = states.filter((state) => state !== 'valid')
    if (bad.length === 0) break
    if (Date.now() - fromMs > RECOVERY_MS) return [`not recovered after the last fault: ${bad.join(', ')}`]
    await pause(100)
  }
  tally.recoveredIn(Date.now() - fromMs)
  await clients.call('stop')
  return []
}

async function sample(processes, clients) {
  const inside = await clients.call('sample')
  const outside = Object.entries(processes).map(([name, pid]) => [name, sampleProcess(pid)])
  return { atMs: Date.now(), inside, ...Object.fromEntries(outside) }
}

function judgeSamples(samples) {
  if (samples.length < MIN_SAMPLES) return []
  const series = [
    ['heap of the clients', MAX_HEAP_GAIN, ({ inside }) => inside.heapUsed],
    ['listeners of the clients', 0, ({ inside }) => inside.listeners],
    ...['clients', 'sidecar'].flatMap((name) => [
      [`resident memory of the ${name}`, MAX_RESIDENT_GAIN, (each) => each[name]?.rssBytes],
      [`open files of the ${name}`, MAX_HANDLE_GAIN, (each) => each[name]?.files],
      [`inotify watches of the ${name}`, 0, (each) => each[name]?.inotifyWatches],
    ]),
  ]
  return series.flatMap(([name, tolerance, read]) => {
    const values = samples.map(read)
    // Without /proc.
    return values.includes(undefined) ? [] : [{ name, ...judgeGrowth(values, tolerance) }]
  })
}

/** Every watcher of the clients has read the file twice since the call: the first may have begun before it. */
async function untilLooked(clients) {
  const before = await clients.call('reads')
  for (;;) {
    const now = await clients.call('reads')
    if (now.every((reads, index) => reads >= before[index] + 2)) return
    await pause(50)
  }
}

function describeViolation({ client, outcome, startedAtMs, endedAtMs, reason, publishedMs, near }) {
  const when = `${new Date(startedAtMs).toISOString()}, for ${endedAtMs - startedAtMs} ms`
  const age = publishedMs === undefined ? '' : `, ${Math.round(publishedMs)} ms after the file was written`
  return `${client} ${outcome} at ${when}${age}: ${reason} [${near.join('; ')}]`
}
