import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTokenWatcher, type TokenWatcher, type TokenWatcherOptions } from '@projected-token/core'
import { createAuthFetch } from '@projected-token/fetch'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Kube, type KubeVolume, startKube } from './kube.js'
import { type ClientCounts, startVerifyingServer, type VerifyingServer } from './verifying-server.js'

/** The main job on real input: tokens by Kubernetes' own manager and writer, requests checked by a real server. */

const ROTATIONS = Number(process.env.PROJECTED_TOKEN_ROTATIONS ?? 1_000)
/** Under 10 s the kubelet's jitter alone makes about every second sync rotate. Each is asked for as soon as the one
 *  before was seen: two in a row that nobody could have told apart prove nothing. */
const LIFE_S = 6

let directory: string
let kube: Kube
let server: VerifyingServer
let volumes = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'projected-token-real-'))
  kube = await startKube()
  server = await startVerifyingServer({
    jwksUrl: kube.jwksUrl,
    issuer: kube.issuer,
    audience: 'vault',
    tokenReviewUrl: `${kube.url}/apis/authentication.k8s.io/v1/tokenreviews`,
    reviewEvery: 100,
  })
})
afterAll(async () => {
  await server?.close()
  await kube?.close()
  await rm(directory, { recursive: true, force: true })
})

/** A pod of its own with the founding document's volume, but for the life of its token. */
function createVolume(expirationSeconds: number, syncMs: number): Promise<KubeVolume> {
  volumes++
  return kube.createVolume({ directory: join(directory, `tokens-${volumes}`), expirationSeconds, syncMs })
}

interface Client {
  name: string
  watcher: TokenWatcher
  /** Sends one request; gives its status. */
  send(): Promise<number>
  close(): Promise<void>
}

function fetchClient(name: string, path: string, options: TokenWatcherOptions = {}): Client {
  const watcher = createTokenWatcher({ path, audience: 'vault', ...options })
  const authFetch = createAuthFetch(watcher, { origins: server.url })
  return {
    name,
    watcher,
    async send() {
      const response = await authFetch(server.url, { headers: { 'x-client': name } })
      await response.text()
      return response.status
    },
    close: () => watcher.close(),
  }
}

function interceptorClient(name: string, path: string): Client {
  const watcher = createTokenWatcher({ path, audience: 'vault' })
  const dispatcher = new Agent().compose(createTokenInterceptor(watcher, { origins: server.url }))
  return {
    name,
    watcher,
    async send() {
      const { statusCode, body } = await request(server.url, { dispatcher, headers: { 'x-client': name } })
      await body.dump()
      return statusCode
    },
    async close() {
      await watcher.close()
      await dispatcher.close()
    },
  }
}

const clientsOf = (path: string): Client[] => [
  fetchClient('fetch', path),
  interceptorClient('interceptor', path),
  fetchClient('fetch without a watch', path, { watch: false }),
]

/** Sends requests one after the other until told to stop; an error, too, ends it. */
function sendAtFullSpeed({ send }: Client) {
  let stopped = false
  const statuses: Record<number, number> = {}
  const done = (async () => {
    while (!stopped) {
      const status = await send()
      statuses[status] = (statuses[status] ?? 0) + 1
    }
    return statuses
  })()
  return {
    done,
    stop() {
      stopped = true
      return done
    },
  }
}

const count = async (volume: KubeVolume, clients: Client[]) => ({
  written: (await volume.info()).rotations,
  seen: clients.map(({ watcher }) => watcher.status().rotations),
})

describe('the main job', () => {
  it(`${ROTATIONS} rotations by Kubernetes' own code reach a real server: 0 refused, 0 unauthenticated, every one seen`, async () => {
    const volume = await createVolume(LIFE_S, 0)
    const clients = clientsOf(volume.path)
    const watched = clients.slice(0, 2)
    for (const { watcher } of watched) {
      await vi.waitUntil(() => watcher.status().watch.state === 'watching', { timeout: 10_000 })
    }
    const before = await count(volume, clients)
    const runs = clients.map(sendAtFullSpeed)
    const ended = Promise.race(runs.map(({ done }) => done)) // only by an error, until told to stop
    for (let rotation = 1; rotation <= ROTATIONS; rotation++) {
      // A rotation that a watcher does not see keeps it waiting until the test's time is up.
      const seen = Promise.all(
        watched.map(({ watcher }) => new Promise((resolve) => watcher.once('rotated', resolve))),
      )
      while (!(await volume.sync()).rotated);
      await Promise.race([seen, ended])
    }
    const statuses = await Promise.all(runs.map(({ stop }) => stop()))
    const counts = await server.counts()
    const after = await count(volume, clients)
    for (const [index, { name, watcher }] of clients.entries()) {
      const { requests, refused, unauthenticated, tokens, reviewed } = counts[name] as ClientCounts
      const seen = (after.seen[index] ?? 0) - (before.seen[index] ?? 0)
      console.log(
        `${name}: ${seen} of ${after.written - before.written} rotations seen by ${watcher.status().reads} reads, ${requests} requests ` +
          `with ${tokens} tokens, ${reviewed} also asked of TokenReview, ${refused} refused, ${unauthenticated} unauthenticated`,
      )
      expect(statuses[index]).toEqual({ 200: requests })
      expect({ refused, unauthenticated }).toEqual({ refused: 0, unauthenticated: 0 })
      expect(reviewed).toBeGreaterThan(0)
    }
    for (const [index, { watcher }] of watched.entries()) {
      expect((after.seen[index] ?? 0) - (before.seen[index] ?? 0)).toBe(after.written - before.written)
      expect(watcher.status().watch.state).toBe('watching')
    }
    await Promise.all(clients.map((client) => client.close()))
    await volume.stop()
  })
})

describe('an outage of TokenRequest past the expiry', () => {
  it('gives typed errors, sends no bad request, and ends by itself', async () => {
    const volume = await createVolume(LIFE_S, 100)
    const clients = clientsOf(volume.path)
    for (const { send } of clients) expect(await send()).toBe(200)
    await kube.setOutage(true)
    for (const { watcher } of clients) {
      await vi.waitUntil(() => watcher.status().state === 'expired', { timeout: 60_000, interval: 50 })
    }
    await server.reset()
    for (const { send, watcher } of clients) {
      for (let attempt = 0; attempt < 100; attempt++) {
        await expect(send()).rejects.toSatisfy((error: { code?: string; cause?: { code?: string } }) =>
          [error.code, error.cause?.code].includes('ERR_TOKEN_EXPIRED'),
        )
      }
      expect(watcher.status().lastFailure).toMatchObject({ code: 'ERR_TOKEN_EXPIRED', ongoing: true })
    }
    expect(await server.counts()).toEqual({})

    await kube.setOutage(false)
    for (const { watcher } of clients) {
      await vi.waitUntil(() => watcher.status().state === 'valid', { timeout: 60_000, interval: 50 })
    }
    for (const { send } of clients) expect(await send()).toBe(200)
    for (const counts of Object.values(await server.counts())) {
      expect(counts).toMatchObject({ refused: 0, unauthenticated: 0 })
    }
    await Promise.all(clients.map((client) => client.close()))
    await volume.stop()
  })
})

describe('scenario 28: a deleted pod', () => {
  it('its 401s surface, and cause neither loops nor a second request for the same token', async () => {
    const volume = await createVolume(7_200, 1_000)
    const clients = clientsOf(volume.path)
    await server.reviewEvery(1)
    for (const { send } of clients) expect(await send()).toBe(200)
    await kube.deletePod(volume.pod, volume.namespace)
    await server.reset()
    const readsBefore = clients.map(({ watcher }) => watcher.status().reads)
    for (const { send } of clients) {
      for (let call = 0; call < 50; call++) expect(await send()).toBe(401)
    }
    for (const [index, { name, watcher }] of clients.entries()) {
      expect((await server.counts())[name]).toMatchObject({ requests: 50, refused: 50, unauthenticated: 0 })
      expect(watcher.status().reads - (readsBefore[index] ?? 0)).toBeLessThan(20)
      expect(watcher.status().state).toBe('valid')
    }
    await server.reviewEvery(100)
    await Promise.all(clients.map((client) => client.close()))
    await volume.stop()
  })
})

describe("the kubelet's own layout", () => {
  it('of a nested path is watched at the volume', async () => {
    volumes++
    const volume = await kube.createVolume({
      directory: join(directory, `tokens-${volumes}`),
      fileName: 'a/b/token',
      expirationSeconds: 1,
      syncMs: 0,
    })
    const watcher = createTokenWatcher({ path: volume.path, audience: 'vault' })
    await vi.waitUntil(() => watcher.status().watch.state === 'watching', { timeout: 10_000 })
    expect(watcher.status().watch.directory).toBe(join(directory, `tokens-${volumes}`))
    await watcher.close()
    await volume.stop()
  })

  it('schedules a token with a year-long exp by its warnafter', async () => {
    volumes++
    const volume = await kube.createVolume({
      directory: join(directory, `tokens-${volumes}`),
      audience: kube.issuer,
      expirationSeconds: 3_607,
      syncMs: 0,
      warnAfter: true,
    })
    const watcher = createTokenWatcher({ path: volume.path })
    await watcher.getToken()
    const { token, rotationDueAtMs = 0 } = watcher.status()
    const issuedAtMs = token?.issuedAtMs ?? 0
    expect((token?.expiresAtMs ?? 0) - issuedAtMs).toBeGreaterThan(364 * 86_400_000)
    expect(rotationDueAtMs - issuedAtMs).toBeCloseTo(0.8 * 3_607_000, -3)
    await watcher.close()
    await volume.stop()
  })
})
