/**
 * Measures in real time how Kubernetes' own token manager and atomic writer rotate a token of ten minutes, and what
 * five clients send meanwhile: `node test/docs/rotation/measure-rotation.mjs`, half an hour; needs Go and a build.
 * What it writes is drawn by draw-rotation.mjs, and put in order by `npm run format`.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { loadRealServers } from '../../bench/support/vault-modules.mjs'
import { removeTemporaryFolders, temporaryFolder } from '../../check/support/temporary.mjs'
import { root } from '../../check/support/workspace.mjs'
import { CLIENTS } from './clients.mjs'

const AUDIENCE = 'vault'
/** The least that an API server grants, and so the hardest. */
const LIFE_SECONDS = 600
/** A kubelet syncs a pod every 60 s to 90 s: `resyncInterval` and `workerResyncIntervalJitterFactor` of pod_workers.go. */
const SYNC_MS = 60_000
const SYNC_JITTER = 0.5
const REQUEST_EVERY_MS = 5_000

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '32' },
    pods: { type: 'string', default: '40' },
    out: { type: 'string', default: path.join(root, 'packages/core/docs/rotation.json') },
    help: { type: 'boolean', short: 'h' },
  },
})

if (values.help) {
  console.log(`Usage: node test/docs/rotation/measure-rotation.mjs [options]

  --minutes N   how long (32)
  --pods N      how many pods, each with a volume and clients of its own (40)
  --out FILE    where the numbers go (packages/core/docs/rotation.json)`)
} else {
  const result = await measure(Number(values.minutes) * 60_000, Number(values.pods))
  await mkdir(path.dirname(values.out), { recursive: true })
  await writeFile(values.out, `${JSON.stringify(result, null, 2)}\n`)
  tell(result)
  await removeTemporaryFolders()
}

async function measure(durationMs, count) {
  const { startKube } = await loadRealServers()
  const kube = await startKube()
  const end = new AbortController()
  const directory = await temporaryFolder('rotation')
  const startedAtMs = Date.now()
  try {
    const pods = []
    for (let at = 0; at < count; at++) pods.push(await startPod(kube, path.join(directory, `pod-${at}`)))
    const work = pods.flatMap((pod) => [syncOften(pod, end.signal), sendOften(pod, kube, end.signal)])
    const progress = setInterval(() => {
      const minutes = ((Date.now() - startedAtMs) / 60_000).toFixed(0)
      const rotations = pods.reduce((total, pod) => total + pod.tokens.length - 1, 0)
      process.stderr.write(`${minutes} min: ${rotations} rotations\n`)
    }, 60_000)
    await Promise.race([delay(durationMs), ...work])
    end.abort()
    clearInterval(progress)
    await Promise.all(work)
    await delay(2_000) // for the watchers to tell of a rotation that came last
    for (const pod of pods) for (const { client } of pod.clients) await client.close()
    return report(pods, startedAtMs, Date.now())
  } finally {
    end.abort()
    await kube.close()
  }
}

async function startPod(kube, directory) {
  const volume = await kube.createVolume({
    directory,
    audience: AUDIENCE,
    expirationSeconds: LIFE_SECONDS,
    syncMs: 0,
  })
  const info = await volume.info()
  const pod = { volume, tokens: [tokenOf(info, Date.now())], clients: [] }
  for (const { id, label, open } of CLIENTS) {
    pod.clients.push({
      id,
      label,
      client: await open(volume.path),
      spans: [],
      requests: 0,
      expired: 0,
      refused: 0,
    })
  }
  return pod
}

function tokenOf({ lastToken: { iat, exp, jti } }, writtenAtMs) {
  return { issuedAtMs: iat * 1000, expiresAtMs: exp * 1000, jti, writtenAtMs }
}

async function syncOften(pod, signal) {
  let waitMs = Math.random() * SYNC_MS * (1 + SYNC_JITTER)
  while (await pause(waitMs, signal)) {
    const info = await pod.volume.sync()
    if (info.rotated) pod.tokens.push(tokenOf(info, info.writtenAtMs.at(-1)))
    waitMs = SYNC_MS * (1 + Math.random() * SYNC_JITTER)
  }
}

/** Each client sends a request, and the API server's own code judges the token by a TokenReview. */
async function sendOften(pod, kube, signal) {
  let waitMs = Math.random() * REQUEST_EVERY_MS
  while (await pause(waitMs, signal)) {
    waitMs = REQUEST_EVERY_MS
    for (const each of pod.clients) {
      const token = await each.client.token()
      const { jti, exp } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())
      const nowMs = Date.now()
      const { authenticated } = await kube.tokenReview(token, [AUDIENCE])
      const isExpired = exp * 1000 <= nowMs
      each.requests += 1
      if (isExpired) each.expired += 1
      if (!authenticated) each.refused += 1
      note(each.spans, { jti, state: authenticated ? (isExpired ? 'expired' : 'valid') : 'refused' }, nowMs)
    }
  }
}

/** Lengthens the last span, or begins another one. */
function note(spans, { jti, state }, nowMs) {
  const last = spans.at(-1)
  if (last !== undefined) last.toMs = nowMs
  if (last?.jti === jti && last.state === state) return
  spans.push({ jti, state, fromMs: nowMs, toMs: nowMs })
}

/** Resolves to false at the end. */
function pause(ms, signal) {
  return delay(ms, true, { signal }).catch(() => false)
}

function report(pods, startedAtMs, endedAtMs) {
  const seconds = (ms) => Math.round((ms - startedAtMs) / 100) / 10
  const [first] = pods
  const indexOf = (jti) => first.tokens.findIndex((token) => token.jti === jti)
  return {
    about:
      'Measured by test/docs/rotation/measure-rotation.mjs; drawn by draw-rotation.mjs beside it. Times in seconds.',
    kubernetes: '1.36.3',
    node: process.versions.node,
    pods: pods.length,
    lifeS: LIFE_SECONDS,
    durationS: seconds(endedAtMs),
    agesAtRotationS: pods
      .flatMap(({ tokens }) =>
        tokens.slice(1).map((token, at) => (token.writtenAtMs - tokens[at].issuedAtMs) / 1000),
      )
      .map((age) => Math.round(age * 10) / 10)
      .sort((a, b) => a - b),
    servedWithinMs: Math.ceil(Math.max(...pods.flatMap(servedAfterMs))),
    clients: CLIENTS.map(({ id, label }) => {
      const all = pods.flatMap((pod) => pod.clients.filter((client) => client.id === id))
      const sum = (key) => all.reduce((total, client) => total + client[key], 0)
      return { id, label, requests: sum('requests'), expired: sum('expired'), refused: sum('refused') }
    }),
    onePod: {
      tokens: first.tokens.map(({ issuedAtMs, expiresAtMs, writtenAtMs }) => ({
        issuedAtS: seconds(issuedAtMs),
        writtenAtS: seconds(writtenAtMs),
        expiresAtS: seconds(expiresAtMs),
      })),
      clients: first.clients.map(({ id, spans }) => ({
        id,
        spans: spans.map(({ jti, state, fromMs, toMs }) => ({
          token: indexOf(jti),
          state,
          fromS: seconds(fromMs),
          toS: seconds(toMs),
        })),
      })),
    },
  }
}

/** From the end of a write until the watcher had the token, in ms: negative where it had it before that. */
function servedAfterMs({ tokens, clients }) {
  const { client } = clients.find(({ id }) => id === 'ours')
  const written = tokens.slice(1).map((token) => token.writtenAtMs)
  if (written.length !== client.servedAtMs.length) {
    throw new Error(`${written.length} rotations, but the watcher told of ${client.servedAtMs.length}`)
  }
  return written.map((atMs, at) => client.servedAtMs[at] - atMs)
}

function tell({ agesAtRotationS: ages, servedWithinMs, clients }) {
  console.log(`${ages.length} rotations, at an age of ${ages[0]} s to ${ages.at(-1)} s`)
  console.log(`served within ${servedWithinMs} ms of the end of the write`)
  console.table(clients)
}
