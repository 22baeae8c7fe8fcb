import {
  createFakeClock,
  type FakeKubelet,
  type FakeKubeletOptions,
  startFakeKubelet,
} from '@projected-token/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { createTokenWatcher, type TokenWatcher, type TokenWatcherOptions } from '../src/index.js'
import { AS_NOBODY, noOtherUser } from './support/capabilities.js'
import { startChildWatcher } from './support/child-watcher.js'
import { failureOf, next, record, watching } from './support/events.js'

/** How the file is written: scenarios 1–4, 6–8, 10, 21, 24, 25 and 32. Real files, written in the kubelet's order. */

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function setUp(kubeletOptions: FakeKubeletOptions = {}, options: TokenWatcherOptions = {}) {
  const kubelet = await startFakeKubelet({
    algorithm: 'ES256',
    autoRotate: false,
    serve: false,
    ...kubeletOptions,
  })
  cleanUps.push(() => kubelet.close())
  const watcher = createTokenWatcher({ path: kubelet.path, audience: 'vault', ...options })
  cleanUps.push(() => watcher.close())
  return { kubelet, watcher, events: record(watcher) }
}

const expectServed = async (watcher: TokenWatcher, kubelet: FakeKubelet) =>
  expect((await watcher.getToken()).token).toBe(kubelet.current.token)

describe('scenario 1: an atomic swap', () => {
  it('is adopted once', async () => {
    const { kubelet, watcher, events } = await setUp()
    await watching(watcher)
    const previous = await watcher.getToken()
    const rotated = next(watcher, 'rotated')
    await kubelet.rotate()
    expect(await rotated).toEqual({ token: watcher.current, previous })
    await expectServed(watcher, kubelet)
    await watcher.reload()
    expect(events).toEqual(['rotated'])
    expect(watcher.status()).toMatchObject({ state: 'valid', rotations: 1, watch: { state: 'watching' } })
  })

  it('of a nested path is adopted, too: the volume is watched, not the directory of the file', async () => {
    const { kubelet, watcher } = await setUp({ fileName: 'a/b/token' })
    await watching(watcher)
    for (let rotation = 1; rotation <= 3; rotation++) {
      const rotated = next(watcher, 'rotated')
      await kubelet.rotate()
      await rotated
      await expectServed(watcher, kubelet)
    }
    expect(watcher.status().watch).toEqual({ state: 'watching', directory: kubelet.directory })
  })
})

describe('scenario 2: the order of release 1.20', () => {
  it('keeps the old token while the new one may not be read yet', async ({ skip }) => {
    skip(...noOtherUser)
    const { kubelet } = await setUp({ writer: 'v1.20' })
    const child = await startChildWatcher({ path: kubelet.path }, AS_NOBODY)
    cleanUps.push(() => child.close())
    const old = kubelet.current.token
    expect(await child.getToken()).toEqual({ token: old })
    await child.event('watch', ({ state }: { state: string }) => state === 'watching')
    await kubelet.eaccesWindow({
      async onDenied() {
        await child.event('failed')
        expect(await child.getToken()).toEqual({ token: old })
        expect((await child.status()).lastFailure?.code).toBe('ERR_TOKEN_UNREADABLE')
      },
    })
    await child.event('rotated')
    expect(await child.getToken()).toEqual({ token: kubelet.current.token })
  })

  it('adopts each rotation once', async () => {
    const { kubelet, watcher, events } = await setUp({ writer: 'v1.20' })
    await watching(watcher)
    const rotated = next(watcher, 'rotated')
    await kubelet.rotate()
    await rotated
    await watcher.reload()
    expect(events).toEqual(['rotated'])
  })
})

describe('the same content is no rotation', () => {
  it('scenario 3: a storm of attribute changes causes no event, and few reads', async () => {
    const { kubelet, watcher, events } = await setUp()
    await watching(watcher)
    const readsBefore = watcher.status().reads
    await kubelet.attributeStorm(500)
    await watcher.reload()
    expect(events).toEqual([])
    expect(watcher.status().reads - readsBefore).toBeLessThan(100)
  })

  it('scenario 25: a new inode with the same content causes no event', async () => {
    const { kubelet, watcher, events } = await setUp()
    await watching(watcher)
    const { current } = watcher
    await kubelet.rewriteSame()
    await watcher.reload()
    expect(events).toEqual([])
    expect(watcher.current).toBe(current)
  })

  it('scenario 21: white space, line ends and a byte order mark do not count', async () => {
    const { kubelet, watcher, events } = await setUp({}, { watch: false })
    await watcher.getToken()
    for (const dress of ['TOKEN\n', 'TOKEN\r\n', '  TOKEN  ', '\ufeffTOKEN', '\n\nTOKEN']) {
      await kubelet.writeRaw(dress.replace('TOKEN', kubelet.current.token))
      expect((await watcher.reload()).token).toBe(kubelet.current.token)
    }
    expect(events).toEqual([])
  })
})

describe('scenario 4: the file, or its directory, is not there yet', () => {
  it('getToken() waits, and the nearest existing ancestor is watched', async () => {
    const { kubelet } = await setUp()
    await kubelet.remove({ directory: true })
    const watcher = createTokenWatcher({ path: kubelet.path })
    cleanUps.push(() => watcher.close())
    const waiting = watcher.getToken()
    expect(await next(watcher, 'failed')).toMatchObject({
      error: { code: 'ERR_TOKEN_NOT_FOUND', path: kubelet.path },
    })
    expect(watcher.status()).toMatchObject({
      state: 'starting',
      lastFailure: { code: 'ERR_TOKEN_NOT_FOUND' },
    })
    await kubelet.restore()
    expect((await waiting).token).toBe(kubelet.current.token)
    await watching(watcher)
    expect(watcher.status().watch.directory).toBe(kubelet.directory)
  })

  it('a waiting caller is bounded by its signal, and the others go on', async () => {
    const { kubelet } = await setUp()
    await kubelet.remove({ directory: true })
    const watcher = createTokenWatcher({ path: kubelet.path })
    cleanUps.push(() => watcher.close())
    const controller = new AbortController()
    const bounded = watcher.getToken({ signal: controller.signal })
    const patient = watcher.getToken()
    controller.abort(new Error('enough'))
    expect((await failureOf(bounded)).message).toBe('enough')
    await kubelet.restore()
    expect((await patient).token).toBe(kubelet.current.token)
  })

  it('after the start-up time getToken() rejects with the reason, at once', async () => {
    const clock = createFakeClock()
    const watcher = createTokenWatcher({ path: '/nonexistent/token', clock, watch: false })
    cleanUps.push(() => watcher.close())
    const waiting = failureOf(watcher.getToken())
    await clock.advance(10_000)
    expect(await waiting).toMatchObject({ code: 'ERR_TOKEN_NOT_FOUND', path: '/nonexistent/token' })
    expect(await failureOf(watcher.getToken())).toMatchObject({ code: 'ERR_TOKEN_NOT_FOUND' })
    expect(watcher.status().state).toBe('unavailable')
  })
})

describe('scenario 6: a dangling link at the first mount', () => {
  it('is transient', async () => {
    const { kubelet } = await setUp()
    await kubelet.obstruct('dangling-link')
    const watcher = createTokenWatcher({ path: kubelet.path })
    cleanUps.push(() => watcher.close())
    const waiting = watcher.getToken()
    expect((await next(watcher, 'failed')).error.code).toBe('ERR_TOKEN_NOT_FOUND')
    await kubelet.restore()
    expect((await waiting).token).toBe(kubelet.current.token)
  })
})

describe.each([
  ['scenario 7: reads in the middle of swaps', 'current'],
  [
    "scenario 32: Windows' order, where ..data is briefly missing (shown by a stand-in on this system)",
    'windows',
  ],
] as const)('%s', (_, writer) => {
  it('cause no caller an error', async () => {
    const { kubelet, watcher } = await setUp({ writer }, { watch: false })
    await watcher.getToken()
    let swapping = true
    const swaps = kubelet.burst(200).finally(() => {
      swapping = false
    })
    while (swapping) expect((await watcher.reload()).token).toMatch(/^eyJ/)
    await swaps
    await watcher.reload()
    await expectServed(watcher, kubelet)
  })
})

describe('scenario 8: a rename over a plain file', () => {
  it('is seen by the watch on the directory', async () => {
    const { kubelet, watcher } = await setUp()
    await watching(watcher)
    for (let rotation = 1; rotation <= 3; rotation++) {
      const rotated = next(watcher, 'rotated')
      await kubelet.replaceByRename()
      await rotated
      await expectServed(watcher, kubelet)
    }
  })
})

describe('scenario 10: truncate, then write', () => {
  it('rejects the empty and the partial content, keeps the old token, and reads the whole one within 20 to 100 ms', async () => {
    const clock = createFakeClock()
    const { kubelet, watcher, events } = await setUp({ clock }, { clock, watch: false })
    const old = (await watcher.getToken()).token
    await kubelet.truncateAndWrite({
      chunks: 7,
      async onTruncated() {
        expect((await watcher.reload()).token).toBe(old)
        expect(watcher.status().lastFailure?.code).toBe('ERR_TOKEN_EMPTY')
      },
      async onPartial() {
        expect((await watcher.reload()).token).toBe(old)
        expect(watcher.status().lastFailure?.code).toBe('ERR_TOKEN_MALFORMED')
      },
    })
    await watcher.reload()
    await expectServed(watcher, kubelet)
    expect(events).toEqual(['failed', 'rotated', 'recovered'])

    await kubelet.truncateAndWrite({ onTruncated: () => watcher.reload() })
    await clock.advance(20)
    await expectServed(watcher, kubelet)
  })

  it('keeps the old token while the end of the signature is missing, however often that is read', async () => {
    const { kubelet, watcher, events } = await setUp({ algorithm: 'RS256' }, { watch: false })
    const old = (await watcher.getToken()).token
    await kubelet.truncateAndWrite({
      chunks: 5,
      async onPartial() {
        for (let read = 0; read < 3; read++) expect((await watcher.reload()).token).toBe(old)
      },
    })
    await watcher.reload()
    await expectServed(watcher, kubelet)
    expect(events).toEqual(['failed', 'rotated', 'recovered'])
  })
})

describe('scenario 24: swaps within milliseconds', () => {
  it('end on the newest token, sixty times out of sixty', async () => {
    const { kubelet, watcher } = await setUp()
    await watching(watcher)
    for (let round = 1; round <= 60; round++) {
      const arrived = new Promise<void>((resolve) => {
        watcher.on('rotated', () => watcher.current?.token === kubelet.current.token && resolve())
      })
      await kubelet.burst(2)
      if (watcher.current?.token !== kubelet.current.token) await arrived
    }
    await expectServed(watcher, kubelet)
    expect(watcher.status().watch.state).toBe('watching')
  })
})
