import { inspect } from 'node:util'
import { createFakeClock } from '@projected-token/testing'
import { describe, expect, it } from 'vitest'
import { createToken, systemClock } from '../src/index.js'
import { setAwakeTimer } from '../src/provider.js'

const secret = 'canary-secret'
const token = createToken({ token: secret, expiresAtMs: Date.UTC(2026, 0, 1), loadedAtMs: 1 })

describe('a token', () => {
  it('gives the secret only by its name', () => {
    expect(token.token).toBe(secret)
    expect(token.expiresAtMs).toBe(Date.UTC(2026, 0, 1))
    expect(token.loadedAtMs).toBe(1)
  })

  it.each([
    ['String()', () => String(token)],
    ['a template', () => `${token}`],
    ['JSON', () => JSON.stringify({ token })],
    ['inspect', () => inspect(token)],
    [
      'inspect with hidden fields and without our own inspect',
      () => inspect(token, { showHidden: true, customInspect: false }),
    ],
    ['object spread', () => JSON.stringify({ ...token })],
    ['Object.entries', () => JSON.stringify(Object.entries(token))],
    [
      'for … in',
      () => {
        const keys: string[] = []
        for (const key in token) keys.push(String(token[key as keyof typeof token]))
        return keys.join()
      },
    ],
    ['structured clone', () => inspect(structuredClone(token), { showHidden: true })],
    ['an error that carries it', () => inspect(new Error('x', { cause: token }))],
  ])('is not shown by %s', (_, show) => {
    expect(show()).not.toContain('canary')
  })

  it('says when it expires', () => {
    expect(String(token)).toBe('Token(redacted, expires 2026-01-01T00:00:00.000Z)')
    expect(inspect(createToken({ token: 'x', loadedAtMs: 0 }))).toBe('Token(redacted, no known expiry)')
    expect(String(createToken({ token: 'x', expiresAtMs: 9e99, loadedAtMs: 0 }))).toContain('9e+99')
  })

  it('is immutable', () => {
    expect(Object.isFrozen(token)).toBe(true)
    expect(() => Object.assign(token, { token: 'other' })).toThrow(TypeError)
  })

  it.each(['', ' ', 'a b', 'a\n', 'ä', 5, undefined, null])(
    'cannot be made of %j, and the error does not quote it',
    (bad) => {
      expect(() => createToken({ token: bad as string, loadedAtMs: 0 })).toThrow(TypeError)
      expect(() => createToken({ token: 'canary secret', loadedAtMs: 0 })).toThrow(/^((?!canary).)*$/)
    },
  )

  it('cannot have times that are no numbers', () => {
    expect(() => createToken({ token: 'x', loadedAtMs: Number.NaN })).toThrow(TypeError)
    expect(() => createToken({ token: 'x', loadedAtMs: 0, expiresAtMs: Number.POSITIVE_INFINITY })).toThrow(
      TypeError,
    )
  })
})

describe('the system clock', () => {
  it('fires a timer once, and not when it was cancelled', async () => {
    const fired: string[] = []
    const cancel = systemClock.setTimer(() => fired.push('cancelled'), 0)
    cancel()
    await new Promise<void>((resolve) => systemClock.setTimer(resolve, 1, { keepAlive: true }))
    cancel()
    expect(fired).toEqual([])
  })

  it('does not fire a timer of over 2^31-1 ms at once', async () => {
    let fired = false
    const cancel = systemClock.setTimer(
      () => {
        fired = true
      },
      2 ** 31 + 5,
    )
    await new Promise<void>((resolve) => systemClock.setTimer(resolve, 20, { keepAlive: true }))
    cancel()
    expect(fired).toBe(false)
  })
})

describe('a limit of a wait', () => {
  it('ends after its delay', async () => {
    const clock = createFakeClock()
    const fired: number[] = []
    setAwakeTimer(clock, () => fired.push(clock.monotonicNow()), 1_000)
    const startMs = clock.monotonicNow()
    await clock.advance(999)
    expect(fired).toEqual([])
    await clock.advance(1)
    expect(fired).toEqual([startMs + 1_000])
  })

  it('loses no more than a quarter to a suspension', async () => {
    const clock = createFakeClock()
    let fired = 0
    setAwakeTimer(clock, () => fired++, 4_000)
    await clock.advance(100)
    clock.suspend(86_400_000, { monotonic: true })
    await clock.advance(2_999)
    expect(fired).toBe(0)
    await clock.advance(1)
    expect(fired).toBe(1)
  })

  it('lasts at least a quarter, and at most 5 s, after a suspension', async () => {
    for (const [delayMs, beforeMs, graceMs] of [
      [4_000, 3_500, 1_000],
      [60_000, 1_000, 5_000],
      [60_000, 50_000, 5_000],
    ] as const) {
      const clock = createFakeClock()
      let fired = 0
      setAwakeTimer(clock, () => fired++, delayMs)
      await clock.advance(beforeMs)
      clock.suspend(86_400_000, { monotonic: true })
      await clock.advance(graceMs - 1)
      expect(fired).toBe(0)
      await clock.advance(1)
      expect(fired).toBe(1)
    }
  })

  it('is over when it was cancelled, in whichever of its parts', async () => {
    const clock = createFakeClock()
    let fired = 0
    const cancel = setAwakeTimer(clock, () => fired++, 1_000)
    await clock.advance(600)
    cancel()
    cancel()
    await clock.advance(1_000)
    expect(fired).toBe(0)
    expect(clock.pendingTimers).toBe(0)
  })
})
