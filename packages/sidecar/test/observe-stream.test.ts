import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { createTokenWatcher, systemClock } from '@projected-token/core'
import { createFakeClock, type FakeClock, startFakeKubelet } from '@projected-token/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createEventStream } from '../src/observe/event-stream.js'
import { ask, readStream } from './support/observe-http.js'
import { observe } from './support/observe-scene.js'
import { stillSources } from './support/observe-states.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})
const WAIT = { timeout: 20_000 }

async function still(options: Parameters<typeof observe>[1] = {}) {
  const scene = await observe(stillSources('several'), options)
  cleanups.push(() => scene.close())
  return scene
}

/** A stream with one client that reads nothing of it, and more in it than the kernel takes meanwhile. */
async function unread(clock: FakeClock) {
  let renderings = 0
  const stream = createEventStream({
    clock,
    render: () => JSON.stringify(`${renderings++} ${'x'.repeat(2 ** 25)}`),
  })
  let buffered = 0
  const server = createServer((_request, response) => {
    stream.add(response, {})
    buffered = response.writableLength
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => new Promise((resolve) => server.close(resolve)))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  cleanups.push(() => socket.destroy())
  socket.on('error', () => {})
  socket.pause()
  socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await vi.waitFor(() => expect(stream.clients).toBe(1), WAIT)
  expect(buffered).toBeGreaterThan(0)
  return { stream, server }
}

describe('/events', () => {
  test('begins with a whole report, so that who reconnects has missed nothing', async () => {
    const { statusUrl } = await still()
    const stream = await readStream(statusUrl)
    expect(stream.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    expect(stream.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    await vi.waitFor(() => expect(stream.messages).toHaveLength(1), WAIT)
    expect(stream.messages[0]).toMatchObject({ event: 'report', data: { nowMs: expect.any(Number) } })
    expect(stream.messages[0]?.data.report?.sources).toHaveLength(4)
    stream.stop()
  })

  test('tells a rotation as it happens', async () => {
    const node = await startFakeKubelet({ algorithm: 'ES256', serve: false, autoRotate: false })
    const provider = createTokenWatcher({ path: node.path })
    const scene = await observe([{ kind: 'projected', name: 'vault-token', provider }])
    cleanups.push(
      () => node.close(),
      () => provider.close(),
      () => scene.close(),
    )
    await provider.getToken()
    const stream = await readStream(scene.statusUrl)
    await vi.waitFor(() => expect(stream.messages.length).toBeGreaterThan(0), WAIT)
    await node.rotate()
    await vi.waitFor(() => {
      const { data } = stream.messages.at(-1) ?? {}
      expect(data?.report?.events.map(({ type }) => type)).toContain('rotated')
    }, WAIT)
    stream.stop()
  })

  test('beats every five seconds where nothing changes, with the server’s time', async () => {
    const clock = createFakeClock()
    const { statusUrl } = await still({ clock })
    const stream = await readStream(statusUrl)
    await vi.waitFor(() => expect(stream.messages).toHaveLength(1), WAIT)
    await clock.advance(10_000)
    await vi.waitFor(() => expect(stream.messages).toHaveLength(3), WAIT)
    expect(stream.messages.slice(1)).toEqual([
      { event: 'heartbeat', data: { nowMs: clock.now() - 5_000 } },
      { event: 'heartbeat', data: { nowMs: clock.now() } },
    ])
    stream.stop()
  })

  test('has a timer only while somebody listens', async () => {
    const clock = createFakeClock()
    const { statusUrl } = await still({ clock })
    expect(clock.pendingTimers).toBe(0)
    const stream = await readStream(statusUrl)
    expect(clock.pendingTimers).toBe(1)
    stream.stop()
    await vi.waitFor(() => expect(clock.pendingTimers).toBe(0), WAIT)
  })

  test('refuses the seventeenth viewer, and has room again when one leaves', async () => {
    const { statusUrl } = await still()
    const streams = await Promise.all(Array.from({ length: 16 }, () => readStream(statusUrl)))
    const refused = await ask(statusUrl, { path: '/events' })
    expect(refused).toMatchObject({ status: 503, body: '{"error":"too many viewers"}' })
    expect(refused.headers['retry-after']).toBe('10')
    streams[0]?.stop()
    await vi.waitFor(async () => {
      const again = await readStream(statusUrl)
      again.stop()
      expect(again.status).toBe(200)
    }, WAIT)
    for (const stream of streams) stream.stop()
  })

  test('says that the sidecar stops, and does not hold its stop', async () => {
    const scene = await still()
    const stream = await readStream(scene.statusUrl)
    await vi.waitFor(() => expect(stream.messages).toHaveLength(1), WAIT)
    scene.observer.setStopping()
    await vi.waitFor(() => expect(stream.messages.at(-1)?.data.report?.stopping).toBe(true), WAIT)
    await scene.status.close()
    await stream.ended
  })

  test('answers HEAD without beginning a stream', async () => {
    const clock = createFakeClock()
    const { statusUrl } = await still({ clock })
    const answer = await ask(statusUrl, { path: '/events', method: 'HEAD' })
    expect(answer).toMatchObject({ status: 200, body: '' })
    expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    expect(clock.pendingTimers).toBe(0)
  })

  test('lets a client that takes nothing hold no stop', async () => {
    const { stream, server } = await unread(createFakeClock())
    stream.close()
    await new Promise((resolve) => server.close(resolve))
    await vi.waitFor(() => expect(stream.clients).toBe(0), WAIT)
    expect(stream.hasRoom()).toBe(false)
  })

  test('drops a client that takes nothing, after three heartbeats, and keeps one message for it at most', async () => {
    const clock = createFakeClock()
    const { stream } = await unread(clock)
    stream.changed()
    await clock.advance(10_000)
    expect(stream.clients).toBe(1)
    await clock.advance(5_000)
    await vi.waitFor(() => expect(stream.clients).toBe(0), WAIT)
    expect(clock.pendingTimers).toBe(0)
  })

  test('tells several things that happen together once', async () => {
    const clock = createFakeClock()
    const { statusUrl, observer } = await still({ clock })
    const stream = await readStream(statusUrl)
    await vi.waitFor(() => expect(stream.messages).toHaveLength(1), WAIT)
    for (let write = 0; write < 20; write++) observer.sinkWritten('/run/out/token', true)
    await clock.advance(100)
    await vi.waitFor(() => expect(stream.messages).toHaveLength(2), WAIT)
    await clock.advance(5_000)
    await vi.waitFor(() => expect(stream.messages).toHaveLength(3), WAIT)
    expect(stream.messages.map(({ event }) => event)).toEqual(['report', 'report', 'heartbeat'])
    stream.stop()
  })

  test('runs on the machine’s clock as well', async () => {
    const scene = await still({ clock: systemClock })
    const stream = await readStream(scene.statusUrl)
    await vi.waitFor(() => expect(stream.messages).toHaveLength(1), WAIT)
    scene.observer.sinkWritten('/run/out/token', true)
    await vi.waitFor(() => expect(stream.messages.length).toBeGreaterThan(1), WAIT)
    stream.stop()
  })
})
