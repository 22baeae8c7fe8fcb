import { createTokenWatcher, type TokenWatcher } from '@projected-token/core'
import { createFakeClock, type FakeKubelet, startFakeKubelet } from '@projected-token/testing'
import { afterEach, describe, expect, test } from 'vitest'
import type { Source } from '../src/source.js'
import { ask } from './support/observe-http.js'
import { type ObserveScene, observe } from './support/observe-scene.js'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function kubelet(options: Parameters<typeof startFakeKubelet>[0] = {}): Promise<FakeKubelet> {
  const started = await startFakeKubelet({ algorithm: 'ES256', serve: false, autoRotate: false, ...options })
  cleanups.push(() => started.close())
  return started
}

function projected(
  name: string,
  options: Parameters<typeof createTokenWatcher>[0],
): Source & { provider: TokenWatcher } {
  const provider = createTokenWatcher(options)
  cleanups.push(() => provider.close())
  return { kind: 'projected', name, provider }
}

async function scene(...[sources, options]: Parameters<typeof observe>): Promise<ObserveScene> {
  const started = await observe(sources, options)
  cleanups.push(() => started.close())
  return started
}

describe('/healthz', () => {
  test('answers ok without any valid token, and while the sidecar stops', async () => {
    const { healthUrl, observer } = await scene([projected('lost', { path: '/nowhere/token' })])
    expect(await ask(healthUrl, { path: '/healthz' })).toMatchObject({ status: 200, body: 'ok\n' })
    observer.setStopping()
    expect(await ask(healthUrl, { path: '/healthz' })).toMatchObject({ status: 200, body: 'ok\n' })
  })
})

describe('/readyz', () => {
  test('is 200 once every source has a valid token', async () => {
    const { path } = await kubelet()
    const source = projected('vault-token', { path })
    const { healthUrl } = await scene([source])
    await source.provider.getToken()
    const answer = await ask(healthUrl, { path: '/readyz' })
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body)).toEqual({ ready: true, stopping: false, unready: [] })
  })

  test('is 503 and names each source without one, by name, state and code', async () => {
    const { path } = await kubelet({ audience: 'vault' })
    const sources = [
      projected('good', { path }),
      projected('lost', { path: '/nowhere/token', startupTimeoutMs: 0 }),
      projected('foreign', { path, audience: 'api', startupTimeoutMs: 0 }),
    ]
    const { healthUrl } = await scene(sources)
    await Promise.allSettled(sources.map(({ provider }) => provider.getToken()))
    await expect
      .poll(async () => JSON.parse((await ask(healthUrl, { path: '/readyz' })).body), { timeout: 15_000 })
      .toEqual({
        ready: false,
        stopping: false,
        unready: [
          { name: 'lost', kind: 'projected', state: 'unavailable', code: 'ERR_TOKEN_NOT_FOUND' },
          { name: 'foreign', kind: 'projected', state: 'unavailable', code: 'ERR_TOKEN_AUDIENCE' },
        ],
      })
    expect((await ask(healthUrl, { path: '/readyz' })).status).toBe(503)
  })

  test('is 503 while a first token is awaited', async () => {
    const { healthUrl } = await scene([
      projected('late', { path: '/nowhere/token', startupTimeoutMs: 600_000 }),
    ])
    const answer = await ask(healthUrl, { path: '/readyz' })
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.body).unready).toMatchObject([{ name: 'late', state: 'starting' }])
  })

  test('is 503 when a token has expired, and 200 again with the next one', async () => {
    const clock = createFakeClock()
    const node = await kubelet({ clock, expirationSeconds: 600 })
    const source = projected('vault-token', { path: node.path, clock, watch: false })
    const { healthUrl } = await scene([source], { clock })
    const state = async () => (await ask(healthUrl, { path: '/readyz' })).status
    await source.provider.getToken()
    await clock.advance(601_000)
    expect(await state()).toBe(503)
    await node.rotate()
    await source.provider.reload()
    expect(await state()).toBe(200)
  })

  test('is 503 while the sidecar stops, whatever the tokens', async () => {
    const { path } = await kubelet()
    const source = projected('vault-token', { path })
    const { healthUrl, observer } = await scene([source])
    await source.provider.getToken()
    observer.setStopping()
    const answer = await ask(healthUrl, { path: '/readyz' })
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.body)).toEqual({ ready: false, stopping: true, unready: [] })
  })
})

describe('/status', () => {
  test('tells all sources, the version, the uptime and the last events with their times', async () => {
    const clock = createFakeClock()
    const node = await kubelet({ clock })
    const source = projected('vault-token', { path: node.path, clock, watch: false })
    const { healthUrl, statusUrl } = await scene([source], { clock })
    await source.provider.getToken()
    await clock.advance(5_000)
    await node.rotate()
    await source.provider.reload()
    const text = (await ask(healthUrl, { path: '/status' })).body
    expect((await ask(statusUrl, { path: '/status' })).body).toBe(text)
    expect(JSON.parse(text)).toMatchObject({
      nowMs: clock.now(),
      uptimeMs: 5_000,
      version: '1.2.3',
      ready: true,
      stopping: false,
      sources: [{ kind: 'projected', name: 'vault-token', status: { state: 'valid', rotations: 1 } }],
    })
    expect(JSON.parse(text).events).toContainEqual(
      expect.objectContaining({
        type: 'rotated',
        source: 'vault-token',
        severity: 'good',
        atMs: clock.now(),
        text: expect.stringMatching(
          /^Token [0-9a-f]{12} replaced the one before, 59 min ahead of its expiry$/,
        ),
      }),
    )
  })

  test('cuts claims that are as long as a token may be', async () => {
    const node = await kubelet()
    await node.rotate({
      claims: { sub: `start${'x'.repeat(200_000)}`, aud: Array.from({ length: 500 }, String) },
    })
    const source = projected('huge', { path: node.path })
    const { healthUrl } = await scene([source])
    await source.provider.getToken()
    const { body } = await ask(healthUrl, { path: '/status' })
    expect(body.length).toBeLessThan(20_000)
    expect(body).toContain('startxxx')
  })
})

describe('the health server', () => {
  test('answers any Host, as probes come by many names', async () => {
    const { healthUrl } = await scene([])
    expect((await ask(healthUrl, { path: '/healthz', headers: { host: 'pod.example' } })).status).toBe(200)
  })

  test('serves no page and no stream', async () => {
    const { healthUrl } = await scene([])
    for (const path of ['/', '/app.js', '/style.css', '/events']) {
      expect((await ask(healthUrl, { path })).status).toBe(404)
    }
  })

  test('answers HEAD as GET, without a body', async () => {
    const { healthUrl } = await scene([])
    for (const path of ['/healthz', '/readyz', '/metrics', '/status']) {
      expect(await ask(healthUrl, { path, method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
    }
  })

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses %s', async (method) => {
    const { healthUrl, statusUrl } = await scene([])
    for (const url of [healthUrl, statusUrl]) {
      const answer = await ask(url, { path: '/status', method })
      expect(answer).toMatchObject({ status: 405, body: '{"error":"method not allowed"}' })
      expect(answer.headers.allow).toBe('GET, HEAD')
    }
  })

  test('repeats nothing of a request in an error', async () => {
    const { healthUrl, statusUrl } = await scene([])
    for (const url of [healthUrl, statusUrl]) {
      for (const path of ['/CANARY', '/status/CANARY', '/%CANARY', '/%ff?CANARY=<script>']) {
        const answer = await ask(url, { path, headers: { cookie: 'CANARY' } })
        expect([400, 404]).toContain(answer.status)
        expect(answer.body).not.toMatch(/CANARY|script/)
        expect(answer.headers).toMatchObject({
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-store',
        })
      }
    }
  })

  test('stops at once, though clients keep their connections', async () => {
    const { healthUrl, health } = await scene([])
    await fetch(`${healthUrl}/healthz`).then((response) => response.text())
    await health.close()
    await expect(ask(healthUrl, { path: '/healthz' })).rejects.toThrow()
  })
})
