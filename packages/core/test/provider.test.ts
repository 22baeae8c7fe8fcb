import { createFakeClock } from '@projected-token/testing'
import { describe, expect, it } from 'vitest'
import { createToken, type Token, type TokenProvider } from '../src/index.js'
import {
  abortable,
  checkOptions,
  createEventHub,
  createFirstToken,
  isBoolean,
  isClock,
  isIntegerFrom,
  isOneOf,
} from '../src/provider.js'

const noToken = new Error('no token yet')

/** A provider whose tokens come from outside, made of the parts that the watcher is made of. */
function createPushedProvider(startupTimeoutMs: number) {
  const clock = createFakeClock()
  const first = createFirstToken(clock, startupTimeoutMs, () => noToken)
  const hub = createEventHub<{ rotated: { token: Token } }>(['rotated'])
  let current: Token | undefined
  const obtain = async () => {
    if (current) return current
    if (!first.isOver()) return first.wait()
    throw noToken
  }
  const provider: TokenProvider = {
    get current() {
      return current
    },
    getToken: (options) => abortable(obtain, options?.signal),
    invalidate() {},
  }
  const push = (text: string) => {
    current = createToken({ token: text, loadedAtMs: clock.now() })
    first.resolve(current)
    hub.emit('rotated', { token: current })
    return current
  }
  return { provider, push, clock, hub }
}

describe('a provider of one’s own', () => {
  it('gives all who wait the first token', async () => {
    const { provider, push } = createPushedProvider(10_000)
    const waiting = [provider.getToken(), provider.getToken()]
    const token = push('first')
    expect(await Promise.all(waiting)).toEqual([token, token])
  })

  it('lets nobody wait for longer than the start-up time, and rejects at once after it', async () => {
    const { provider, clock } = createPushedProvider(10_000)
    const waiting = expect(provider.getToken()).rejects.toBe(noToken)
    await clock.advance(10_000)
    await waiting
    await expect(provider.getToken()).rejects.toBe(noToken)
  })

  it('ends one caller’s wait with its signal, and nobody else’s', async () => {
    const { provider, push } = createPushedProvider(10_000)
    const controller = new AbortController()
    const aborted = expect(provider.getToken({ signal: controller.signal })).rejects.toBe('enough')
    const waiting = provider.getToken()
    controller.abort('enough')
    await aborted
    const token = push('first')
    expect(await waiting).toBe(token)
  })

  it('goes on waiting for those who are left, or who come later', async () => {
    const clock = createFakeClock()
    const first = createFirstToken(clock, 10_000, () => noToken)
    const controller = new AbortController()
    const { signal } = controller
    void abortable(() => first.wait(signal), signal).catch(() => {})
    const left = first.wait()
    controller.abort()
    expect(clock.pendingTimers).toBe(1)
    const token = createToken({ token: 'first', loadedAtMs: clock.now() })
    first.resolve(token)
    expect(await left).toBe(token)

    const other = createFirstToken(clock, 10_000, () => noToken)
    const second = new AbortController()
    void abortable(() => other.wait(second.signal), second.signal).catch(() => {})
    second.abort()
    expect(clock.pendingTimers).toBe(0)
    const late = expect(other.wait()).rejects.toBe(noToken)
    await clock.advance(10_000)
    await late
  })

  it('gives what the start-up ended with at once to who asks later, and throws nothing at who never asks', async () => {
    const clock = createFakeClock()
    const given = createFirstToken(clock, 10_000, () => noToken)
    const token = createToken({ token: 'first', loadedAtMs: clock.now() })
    given.resolve(token)
    expect(await given.wait()).toBe(token)
    const refused = createFirstToken(clock, 10_000, () => noToken)
    refused.reject(noToken)
    await clock.advance(0)
    await expect(refused.wait()).rejects.toBe(noToken)
    expect(clock.pendingTimers).toBe(0)
  })

  it('begins nothing for a signal that is aborted already, or is none', async () => {
    let begun = 0
    const begin = async () => ++begun
    await expect(abortable(begin, AbortSignal.abort('before'))).rejects.toBe('before')
    await expect(abortable(begin, {} as AbortSignal)).rejects.toThrow(TypeError)
    expect(begun).toBe(0)
  })

  it('tells its events to whoever listens, and to nobody who has gone', () => {
    const { push, hub } = createPushedProvider(0)
    const heard: string[] = []
    const listener = ({ token }: { token: Token }) => heard.push(token.token)
    hub.on('rotated', listener)
    push('first')
    hub.off('rotated', listener)
    push('second')
    expect(heard).toEqual(['first'])
  })
})

describe('the check of options', () => {
  interface Options {
    mode: 'fast' | 'safe'
    retries?: number | undefined
    quiet?: boolean | undefined
  }
  const checks = { mode: isOneOf('fast', 'safe'), retries: isIntegerFrom(0, 5), quiet: isBoolean }
  const check = (options: unknown) => checkOptions(options as Options, checks, ['mode'])

  it('gives the options, each read once', () => {
    let reads = 0
    const options = {
      get mode() {
        reads++
        return 'fast' as const
      },
    }
    expect(check(options)).toEqual({ mode: 'fast', retries: undefined, quiet: undefined })
    expect(reads).toBe(1)
  })

  it.each([
    [{}, TypeError, "The option 'mode' must be 'fast' or 'safe'; got undefined"],
    [
      { mode: 'other' },
      RangeError,
      "The option 'mode' must be 'fast' or 'safe'; got a string of 5 characters",
    ],
    [
      { mode: 'fast', retries: 6 },
      RangeError,
      "The option 'retries' must be a whole number from 0 to 5; got the number 6",
    ],
    [
      { mode: 'fast', loud: true },
      TypeError,
      "There is no option 'loud'. The options are mode, retries, quiet",
    ],
    [null, TypeError, 'The options must be an object; got null'],
  ])('refuses %j', (options, kind, message) => {
    expect(() => check(options)).toThrow(kind)
    expect(() => check(options)).toThrow(message)
  })

  it('knows a clock by its methods', () => {
    expect(isClock(createFakeClock())).toBeUndefined()
    expect(isClock({ now: () => 0 })?.expected).toContain('setTimer')
  })
})
