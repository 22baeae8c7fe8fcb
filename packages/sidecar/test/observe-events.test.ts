import { createToken, createTokenWatcher } from '@projected-token/core'
import { createFakeClock, startFakeKubelet } from '@projected-token/testing'
import { createVaultTokenProvider } from '@projected-token/vault'
import { afterEach, describe, expect, test } from 'vitest'
import { createObserver } from '../src/observe/create-observer.js'
import type { LoggedEvent } from '../src/observe/event-log.js'
import type { Source } from '../src/source.js'
import { ask } from './support/observe-http.js'
import { observe } from './support/observe-scene.js'
import { startVaultStandIn } from './support/observe-vault.js'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A watcher that reads when it is told to, and what the sidecar tells of it. */
async function watched(expirationSeconds = 3_600) {
  const clock = createFakeClock()
  const node = await startFakeKubelet({
    algorithm: 'ES256',
    serve: false,
    autoRotate: false,
    clock,
    expirationSeconds,
  })
  const provider = createTokenWatcher({ path: node.path, clock, watch: false })
  const source: Source = { kind: 'projected', name: 'vault-token', provider }
  const scene = await observe([source], { clock })
  cleanups.push(
    () => node.close(),
    () => provider.close(),
    () => scene.close(),
  )
  await provider.getToken()
  const events = async (): Promise<LoggedEvent[]> =>
    JSON.parse((await ask(scene.healthUrl, { path: '/status' })).body).events
  return { clock, node, provider, source, scene, events }
}

describe('the last events', () => {
  test('tell a failure with its code and message, and its end', async () => {
    const { clock, node, provider, events } = await watched()
    await node.writeRaw('')
    await provider.reload()
    await clock.advance(90_000)
    await node.rotate()
    await provider.reload()
    const [recovered, rotated, failed] = await events()
    expect(failed).toMatchObject({
      type: 'failed',
      severity: 'error',
      code: 'ERR_TOKEN_EMPTY',
      text: expect.stringContaining(node.path),
    })
    const types = [recovered?.type, rotated?.type].sort()
    expect(types).toEqual(['recovered', 'rotated'])
    const end = [recovered, rotated].find((event) => event?.type === 'recovered')
    expect(end?.text).toMatch(/^Reads succeed again after \d+ failures? in 1 min 30 s$/)
  })

  test('tell that a token is overdue, that it expired, and how late the next one came', async () => {
    const { clock, node, provider, events } = await watched(600)
    await clock.advance(590_000)
    await clock.advance(30_000)
    await node.rotate()
    await provider.reload()
    const all = await events()
    expect(all.find(({ type }) => type === 'overdue')?.text).toMatch(
      /^The kubelet should have replaced the token \d.* ago; it expires in \d/,
    )
    expect(all.find(({ type }) => type === 'expired')).toMatchObject({ severity: 'error' })
    expect(all.find(({ type }) => type === 'rotated')?.text).toMatch(/ 20 s after its expiry$/)
  })

  test('are fifty at most, the newest first', async () => {
    const { clock, node, provider, events } = await watched()
    for (let rotation = 0; rotation < 55; rotation++) {
      await clock.advance(1_000)
      await node.rotate()
      await provider.reload()
    }
    const all = await events()
    expect(all).toHaveLength(50)
    expect(all[0]).toMatchObject({ type: 'rotated', id: 55, atMs: clock.now() })
  })

  test('count the renewals of a lease in one, so that they push nothing out; Vault is a stand-in', async () => {
    const vault = await startVaultStandIn(60)
    const clock = createFakeClock()
    const jwt = createToken({ token: 'a.b.c', loadedAtMs: 0 })
    const provider = createVaultTokenProvider({
      address: vault.url,
      role: 'app',
      jwt: { getToken: async () => jwt, invalidate() {} },
      env: {},
      clock,
      random: () => 0.5,
    })
    const scene = await observe([{ kind: 'vault', name: 'app', provider }], { clock })
    cleanups.push(
      () => vault.close(),
      () => provider.close(),
      () => scene.close(),
    )
    await provider.getToken()
    while (provider.status().renewals < 5) await clock.advance(10_000)
    const { events, sources } = JSON.parse((await ask(scene.healthUrl, { path: '/status' })).body)
    expect(events).toMatchObject([
      { type: 'renewed', count: provider.status().renewals, text: 'The lease was renewed for 1 min' },
      { type: 'login', count: 1, text: 'Logged in' },
    ])
    expect(sources[0].status.token.who).toBe('apps/app-sa')
  })

  test('end with the observer: it leaves no listener behind', async () => {
    const { node, provider, source, clock } = await watched()
    const seen: string[] = []
    const observer = createObserver([source], { clock, version: '1' })
    const original = provider.off
    provider.off = (name, listener) => {
      seen.push(name)
      return original.call(provider, name, listener as never)
    }
    observer.close()
    expect(seen.sort()).toEqual(['expired', 'failed', 'overdue', 'recovered', 'rotated', 'watch'])
    await node.rotate()
    await provider.reload()
  })
})
