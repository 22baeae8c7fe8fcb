import { promises } from 'node:fs'
import { createFakeClock, type FakeKubeletOptions, startFakeKubelet } from '@projected-token/testing'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createTokenWatcher, type TokenWatcherOptions } from '../src/index.js'
import { notLinux } from './support/capabilities.js'
import { startChildWatcher } from './support/child-watcher.js'
import { failureOf, record } from './support/events.js'

/** What time and the token's claims do: scenarios 16–20, 26–28 and 31. A fake clock over real files. */

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** A kubelet and a watcher, without a watch, on one fake clock. */
async function setUp(kubeletOptions: FakeKubeletOptions = {}, options: TokenWatcherOptions = {}) {
  const clock = createFakeClock()
  const kubelet = await startFakeKubelet({ clock, algorithm: 'ES256', serve: false, ...kubeletOptions })
  cleanUps.push(() => kubelet.close())
  const watcher = createTokenWatcher({ path: kubelet.path, clock, watch: false, ...options })
  cleanUps.push(() => watcher.close())
  await watcher.getToken().catch(() => {})
  return { clock, kubelet, watcher, events: record(watcher) }
}

describe('scenario 16: an outage of hours', () => {
  it('tells late, then expired, each once; does not loop; states the age; recovers within one poll', async () => {
    const { clock, kubelet, watcher, events } = await setUp({ expirationSeconds: 3600 })
    kubelet.setOutage(true)
    await clock.advance(47 * MINUTE)
    expect(events).toEqual([])
    await clock.advance(4 * MINUTE)
    expect(events).toEqual(['overdue'])
    expect(watcher.status()).toMatchObject({ state: 'valid', overdue: true })
    await clock.advance(9 * MINUTE)
    expect(events).toEqual(['overdue', 'failed', 'expired'])
    expect(watcher.status()).toMatchObject({ state: 'expired', overdue: true })

    const { reads } = watcher.status()
    await clock.advance(3 * HOUR)
    const perMinute = (watcher.status().reads - reads) / 180
    expect(perMinute).toBeGreaterThanOrEqual(59)
    expect(perMinute).toBeLessThanOrEqual(60)
    const error = await failureOf(watcher.getToken())
    expect(error).toMatchObject({
      code: 'ERR_TOKEN_EXPIRED',
      message: expect.stringContaining('expired 3 h ago'),
    })
    expect(events).toEqual(['overdue', 'failed', 'expired'])

    kubelet.setOutage(false)
    await kubelet.rotate()
    await clock.advance(MINUTE)
    expect(events).toEqual(['overdue', 'failed', 'expired', 'rotated', 'recovered'])
    expect((await watcher.getToken()).token).toBe(kubelet.current.token)
    expect(watcher.status()).toMatchObject({
      state: 'valid',
      overdue: false,
      lastFailure: { ongoing: false },
    })
  })

  it('ends within a second of the repair, though no event tells of it and nobody asks', async () => {
    const { clock, kubelet, watcher } = await setUp({ expirationSeconds: 600, autoRotate: false })
    await kubelet.writeRaw('half a tok')
    await clock.advance(HOUR)
    expect(watcher.status().state).toBe('expired')
    await kubelet.rotate()
    await clock.advance(1_000)
    expect(watcher.current?.token).toBe(kubelet.current.token)
  })

  it('ends for a caller as soon as a fresh token is on disk: getToken() looks before it refuses', async () => {
    const { clock, kubelet, watcher } = await setUp({ expirationSeconds: 600, autoRotate: false })
    await clock.advance(HOUR)
    await failureOf(watcher.getToken())
    await kubelet.rotate()
    await clock.advance(1_000)
    expect((await watcher.getToken()).token).toBe(kubelet.current.token)
  })

  it('does not turn a storm of callers into a storm of reads', async () => {
    const { clock, watcher } = await setUp({ expirationSeconds: 600, autoRotate: false })
    await clock.advance(HOUR)
    const { reads } = watcher.status()
    await Promise.all(Array.from({ length: 10_000 }, () => failureOf(watcher.getToken())))
    for (let call = 0; call < 100; call++) await failureOf(watcher.getToken())
    expect(watcher.status().reads - reads).toBeLessThanOrEqual(1)
  })
})

describe('scenario 17: exp one year ahead, with warnafter', () => {
  it('schedules by warnafter, and never serves a token beyond it while a newer one is there', async () => {
    const { clock, kubelet, watcher } = await setUp({ expirationSeconds: 3607, extendedExpiration: true })
    expect(watcher.status().token?.expiresAtMs).toBeGreaterThan(clock.now() + 364 * 24 * HOUR)
    expect(watcher.status().rotationDueAtMs).toBeCloseTo(clock.now() + 0.8 * 3_607_000, -1)
    for (let minute = 0; minute < 24 * 60; minute++) {
      await clock.advance(MINUTE)
      expect(watcher.status().token?.warnAfterMs).toBeGreaterThan(clock.now())
    }
    expect(watcher.status().rotations).toBe(kubelet.rotations)
    expect(kubelet.rotations).toBeGreaterThan(24)
  })

  it('keeps polling, and tells that the kubelet is late', async () => {
    const { clock, kubelet, watcher, events } = await setUp({
      expirationSeconds: 3607,
      extendedExpiration: true,
    })
    kubelet.setOutage(true)
    await clock.advance(2 * HOUR)
    expect(events).toEqual(['overdue'])
    expect(watcher.status().state).toBe('valid')
  })
})

describe('scenario 18: clocks that jump', () => {
  it('forward over the expiry: looks before it serves, and serves nothing expired', async () => {
    const { clock, kubelet, watcher } = await setUp({ expirationSeconds: 600, autoRotate: false })
    clock.step(HOUR)
    expect(watcher.current).toBeUndefined()
    expect(await failureOf(watcher.getToken())).toMatchObject({ code: 'ERR_TOKEN_EXPIRED' })
    await kubelet.rotate()
    await clock.advance(1_000)
    expect((await watcher.getToken()).token).toBe(kubelet.current.token)
  })

  it('back by an hour or 400 days: the cadence goes on by the monotonic clock', async () => {
    for (const stepMs of [-HOUR, -400 * 24 * HOUR]) {
      const { clock, kubelet, watcher } = await setUp({ expirationSeconds: 3600, autoRotate: false })
      clock.step(stepMs)
      await clock.advance(6 * MINUTE)
      await kubelet.rotate({ claims: { iat: (kubelet.current.issuedAtMs as number) / 1000 + 1 } })
      await clock.advance(6 * MINUTE)
      expect((await watcher.getToken()).token).toBe(kubelet.current.token)
    }
  })

  it('an iat and nbf in the future are accepted; beyond 60 s they are a warning', async () => {
    for (const [clockSkewMs, warnings] of [
      [59_000, []],
      [HOUR, ['NOT_YET_VALID']],
    ] as const) {
      const { watcher } = await setUp({ clockSkewMs })
      expect(watcher.status()).toMatchObject({ state: 'valid', warnings })
    }
  })
})

describe('scenario 19: a suspended process', () => {
  it.each([true, false])('looks before use on wake (monotonic clock went on: %s)', async (monotonic) => {
    const { clock, kubelet, watcher } = await setUp({ expirationSeconds: 600, autoRotate: false })
    clock.suspend(8 * MINUTE, { monotonic })
    await kubelet.rotate()
    expect(watcher.current).toBeUndefined()
    expect((await watcher.getToken()).token).toBe(kubelet.current.token)
  })

  it.each(['the machine slept', 'the wall clock was set ahead'])(
    'finds a rotation before the old token expires though nobody asks: %s',
    async (cause) => {
      const { clock, kubelet, events } = await setUp({ expirationSeconds: 600, autoRotate: false })
      await clock.advance(1_000)
      if (cause === 'the machine slept') clock.suspend(470_000)
      else clock.step(470_000)
      await clock.advance(87_000)
      await kubelet.rotate()
      await clock.advance(40_000)
      expect(events).toEqual(['rotated'])
    },
  )

  it('looks within 20 s of a sleep though nobody asks, and not because the wall clock was set back', async () => {
    const { clock, watcher } = await setUp({ autoRotate: false })
    const { reads } = watcher.status()
    clock.suspend(HOUR - MINUTE)
    await clock.advance(20_000)
    expect(watcher.status().reads).toBe(reads + 1)
    const other = await setUp({ autoRotate: false })
    other.clock.step(-HOUR)
    await other.clock.advance(2 * MINUTE)
    expect(other.watcher.status().reads).toBe(1)
    other.clock.suspend(HOUR / 2)
    await other.clock.advance(20_000)
    expect(other.watcher.status().reads).toBe(2)
  })

  it('has read the file when the fake clock that woke it stands still again, however slow the disk is', async () => {
    const { clock, kubelet, events } = await setUp({ autoRotate: false })
    clock.suspend(HOUR - MINUTE)
    await kubelet.rotate()
    const { open } = promises
    let answer = () => {}
    const asked = new Promise<void>((resolve) => {
      vi.spyOn(promises, 'open').mockImplementationOnce(async (...file) => {
        resolve()
        await new Promise<void>((goOn) => {
          answer = goOn
        })
        return open(...file)
      })
    })
    cleanUps.push(
      () => vi.restoreAllMocks(),
      () => answer(),
    )
    let isOver = false
    const advanced = clock.advance(20_000).then(() => {
      isOver = true
    })
    await asked
    for (let turns = 0; turns < 40; turns++) await new Promise(setImmediate)
    expect(isOver).toBe(false)
    answer()
    await advanced
    expect(events).toEqual(['rotated'])
  })

  it('that was stopped over an expiry serves the fresh token at once', async ({ skip }) => {
    skip(...notLinux)
    const kubelet = await startFakeKubelet({
      algorithm: 'ES256',
      serve: false,
      autoRotate: false,
      expirationSeconds: 3,
    })
    cleanUps.push(() => kubelet.close())
    const child = await startChildWatcher({ path: kubelet.path, watch: false })
    cleanUps.push(() => child.close())
    expect(await child.getToken()).toEqual({ token: kubelet.current.token })
    const { expiresAtMs } = kubelet.current
    process.kill(child.pid, 'SIGSTOP')
    await kubelet.rotate({ expirationSeconds: 600 })
    await vi.waitUntil(() => Date.now() > (expiresAtMs as number), { timeout: 10_000 })
    const answer = child.getToken()
    process.kill(child.pid, 'SIGCONT')
    expect(await answer).toEqual({ token: kubelet.current.token })
  })
})

describe('the time of the next read', () => {
  it('is in whole milliseconds, though a monotonic clock counts fractions', async () => {
    const { clock, watcher } = await setUp({ autoRotate: false })
    const { nextReadAtMs } = watcher.status()
    await clock.advance(100.4)
    expect(watcher.status().nextReadAtMs).toBe(nextReadAtMs)
    expect(nextReadAtMs).toBe(clock.now() - 100 + 5 * MINUTE)
  })
})

describe('scenario 20: tokens of unknown life', () => {
  it('a legacy token is accepted, polled, never called expired, and warned of', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    cleanUps.push(() => warned.mockRestore())
    const { clock, kubelet, watcher, events } = await setUp({ autoRotate: false })
    await kubelet.legacyToken()
    await watcher.reload()
    await clock.advance(7 * 24 * HOUR)
    expect(events).toEqual(['rotated'])
    expect(watcher.status()).toMatchObject({
      state: 'valid',
      rotationDueAtMs: undefined,
      overdue: false,
      token: { kind: 'legacy', audience: [], expiresAtMs: undefined },
      warnings: ['LEGACY_TOKEN'],
    })
    const reads = watcher.status().reads
    await clock.advance(HOUR)
    expect(watcher.status().reads - reads).toBe(12)
    expect(warned.mock.calls).toEqual([
      [expect.stringContaining('legacy'), { code: 'PROJECTED_TOKEN_LEGACY_TOKEN' }],
    ])
  })

  it('an opaque token likewise, and its successor is found by the cadence', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    cleanUps.push(() => warned.mockRestore())
    const { clock, kubelet } = await setUp({ autoRotate: false })
    await kubelet.writeRaw('opaque-1')
    const watcher = createTokenWatcher({ path: kubelet.path, clock, watch: false })
    cleanUps.push(() => watcher.close())
    expect((await watcher.getToken()).token).toBe('opaque-1')
    await kubelet.writeRaw('opaque-2')
    await clock.advance(5 * MINUTE)
    expect((await watcher.getToken()).token).toBe('opaque-2')
    expect(watcher.status()).toMatchObject({ token: { kind: 'opaque' }, warnings: ['OPAQUE_TOKEN'] })
    expect(JSON.stringify(warned.mock.calls)).not.toContain('opaque-')
  })
})

describe('scenario 26: the wrong audience, issuer or subject', () => {
  it('is a typed error, and a good current token is kept', async () => {
    const { kubelet, watcher, events } = await setUp({ autoRotate: false }, { audience: 'vault' })
    const { current } = watcher
    await kubelet.wrongAudience()
    expect(await watcher.reload()).toBe(current)
    expect(events).toEqual(['failed'])
    expect(watcher.status()).toMatchObject({
      state: 'valid',
      lastFailure: {
        code: 'ERR_TOKEN_AUDIENCE',
        message: expect.stringMatching(/"another-audience".*"vault"/),
      },
    })
    await kubelet.restore()
    await watcher.reload()
    expect(events).toEqual(['failed', 'recovered'])
  })

  it.each([
    ['ERR_TOKEN_AUDIENCE', { audience: 'nobody' }],
    ['ERR_TOKEN_ISSUER', { issuer: 'https://nobody.example' }],
    ['ERR_TOKEN_SUBJECT', { subject: 'system:serviceaccount:default:nobody' }],
  ])('%s is why there is no token at all', async (code, options) => {
    const { watcher } = await setUp({ autoRotate: false }, { ...options, startupTimeoutMs: 0 })
    expect(await failureOf(watcher.getToken())).toMatchObject({ code })
    expect(watcher.current).toBeUndefined()
  })

  it('does not keep an expired token alive', async () => {
    const { clock, kubelet, watcher } = await setUp(
      { autoRotate: false, expirationSeconds: 600 },
      { audience: 'vault' },
    )
    await kubelet.wrongAudience()
    await clock.advance(11 * MINUTE)
    expect(await failureOf(watcher.getToken())).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE' })
  })
})

describe('scenario 27: an older token reappears', () => {
  it('does not replace a valid one', async () => {
    const { kubelet, watcher } = await setUp({ autoRotate: false })
    const { current } = watcher
    await kubelet.olderToken()
    expect(await watcher.reload()).toBe(current)
    expect(watcher.status().lastFailure?.code).toBe('ERR_TOKEN_OLDER')
  })
})

describe('scenario 28: a server refuses the token before exp', () => {
  it('the next getToken() looks, finds the same, and does not loop', async () => {
    const { watcher, events } = await setUp({ autoRotate: false })
    const token = await watcher.getToken()
    const { reads } = watcher.status()
    for (let refusal = 0; refusal < 1_000; refusal++) {
      watcher.invalidate(token)
      expect(await watcher.getToken()).toBe(token)
    }
    expect(watcher.status().reads - reads).toBe(1)
    expect(events).toEqual([])
  })

  it('a storm of reports causes one look, which finds the token that the watch missed', async () => {
    const { kubelet, watcher } = await setUp({ autoRotate: false })
    const token = await watcher.getToken()
    await kubelet.rotate()
    const { reads } = watcher.status()
    for (let report = 0; report < 1_000; report++) watcher.invalidate(token)
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => watcher.getToken()))
    expect(new Set(answers.map((answer) => answer.token))).toEqual(new Set([kubelet.current.token]))
    expect(watcher.status().reads - reads).toBe(1)
  })

  it('a later report about the same token is answered by one more look within a second', async () => {
    const { clock, kubelet, watcher } = await setUp({ autoRotate: false })
    const token = await watcher.getToken()
    watcher.invalidate(token)
    await watcher.getToken()
    await kubelet.rotate()
    watcher.invalidate(token)
    await clock.advance(1_000)
    expect((await watcher.getToken()).token).toBe(kubelet.current.token)
  })

  it('another token that is refused at once is looked for at once', async () => {
    const { kubelet, watcher } = await setUp({ autoRotate: false })
    const first = await watcher.getToken()
    await kubelet.rotate()
    watcher.invalidate(first)
    const second = await watcher.getToken()
    await kubelet.rotate()
    watcher.invalidate(second)
    expect((await watcher.getToken()).token).toBe(kubelet.current.token)
  })

  it('a report that came in the middle of another read is not forgotten', async () => {
    const { clock, kubelet, watcher } = await setUp({ autoRotate: false })
    const token = await watcher.getToken()
    watcher.invalidate(token)
    await watcher.getToken()
    const reading = watcher.reload()
    watcher.invalidate(token)
    await reading
    await kubelet.rotate()
    await clock.advance(1_000)
    expect(watcher.current?.token).toBe(kubelet.current.token)
  })

  it('a late report about an older token changes nothing', async () => {
    const { kubelet, watcher } = await setUp({ autoRotate: false })
    const old = await watcher.getToken()
    await kubelet.rotate()
    const fresh = await watcher.reload()
    const { reads } = watcher.status()
    watcher.invalidate(old)
    expect(watcher.current).toBe(fresh)
    expect(await watcher.getToken()).toBe(fresh)
    expect(watcher.status().reads).toBe(reads)
  })

  it('makes an older token on disk acceptable', async () => {
    const { kubelet, watcher } = await setUp({ autoRotate: false })
    const token = await watcher.getToken()
    const older = await kubelet.olderToken()
    watcher.invalidate(token)
    expect((await watcher.getToken()).token).toBe(older.token)
  })

  it('does not for ever: a server that was wrong leaves no door open to an older token', async () => {
    const { clock, kubelet, watcher } = await setUp({ autoRotate: false })
    const token = await watcher.getToken()
    watcher.invalidate(token)
    expect(await watcher.getToken()).toBe(token)
    await clock.advance(10_000)
    await kubelet.olderToken()
    await watcher.reload()
    expect(await watcher.getToken()).toBe(token)
    expect(watcher.status().lastFailure?.code).toBe('ERR_TOKEN_OLDER')
  })
})

describe('scenario 31: a last-moment rotation, and every other', () => {
  it('is found before the old token expires, without a watch, for kubelets of any pace', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: 600, max: 1_200 }), fc.integer({ min: 600, max: 200_000 })),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        async (expirationSeconds, random) => {
          const { clock, kubelet, watcher } = await setUp({ expirationSeconds, random: () => random })
          const lifeMs = expirationSeconds * 1_000
          let elapsedMs = 0
          while (elapsedMs < 2 * Math.min(lifeMs, 24 * HOUR)) {
            const stepMs = Math.min(30_000, lifeMs / 20)
            await clock.advance(stepMs)
            elapsedMs += stepMs
            const late = clock.now() - kubelet.writtenAtMs
            if (watcher.current?.token !== kubelet.current.token) expect(late).toBeLessThanOrEqual(60_000)
            expect(watcher.current?.expiresAtMs).toBeGreaterThan(clock.now())
          }
          expect(kubelet.rotations).toBeGreaterThan(0)
          for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
        },
      ),
      { numRuns: 8 },
    )
  }, 120_000)

  it('with clock steps and suspensions, a caller never gets an expired token while a fresh one is on disk', async () => {
    const disturbance = fc.oneof(
      fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 900_000 }) }),
      fc.record({ kind: fc.constant('step' as const), ms: fc.integer({ min: -HOUR, max: HOUR }) }),
      fc.record({ kind: fc.constant('suspend' as const), ms: fc.integer({ min: 0, max: HOUR }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(disturbance, { minLength: 5, maxLength: 20 }), async (disturbances) => {
        const { clock, kubelet, watcher } = await setUp({ expirationSeconds: 600 })
        for (const { kind, ms } of disturbances) {
          if (kind === 'advance') await clock.advance(ms)
          else if (kind === 'step') clock.step(ms)
          else clock.suspend(ms)
          const served = await watcher.getToken().catch(() => undefined)
          if (served) expect(served.expiresAtMs).toBeGreaterThan(clock.now())
          const onDisk = kubelet.current
          const readDuringThisSecond = clock.now() - (watcher.status().lastReadAtMs ?? 0) < 1_000
          const isFresh = (onDisk.expiresAtMs as number) > clock.now()
          if (isFresh && !readDuringThisSecond) expect(served).toBeDefined()
        }
        for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
      }),
      { numRuns: 15 },
    )
  }, 120_000)
})
