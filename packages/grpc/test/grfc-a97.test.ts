import { status } from '@grpc/grpc-js'
import type { TokenErrorCode, TokenProvider } from '@projected-token/core'
import { createChannelCredentials } from '@projected-token/grpc'
import { createFakeClock } from '@projected-token/testing'
import { describe, expect, it } from 'vitest'
import { createHoldingProvider, createManualProvider, tokenError, tokenFor } from './support/provider.js'
import { createClient, startServer } from './support/server.js'

/** A server over TLS and a client whose every call is authenticated by the provider. */
async function connect(provider: TokenProvider, clock = createFakeClock()) {
  const server = await startServer()
  const { call, begin, ready } = createClient(
    server.target,
    createChannelCredentials(provider, server.channelCredentials, { clock }),
  )
  const sent = () => server.seen.map(([value]) => value)
  return { server, clock, call, begin, ready, sent }
}

const OK = { code: status.OK, details: '' }

describe('gRFC A97, 1: a token expires 30 seconds early', () => {
  it('deviates: a token in its last 30 s is sent while another one is looked for', async () => {
    const clock = createFakeClock()
    const provider = createManualProvider(tokenFor(clock, 'old', 600))
    const { call, sent } = await connect(provider, clock)
    expect(await call()).toEqual(OK)
    await clock.advance(599_999)
    provider.answer = tokenFor(clock, 'new', 600)
    expect(await call()).toEqual(OK)
    expect(await call()).toEqual(OK)
    expect(sent()).toEqual(['Bearer old', 'Bearer old', 'Bearer new'])
    expect(provider.lookups).toBe(2)
  })

  it.each([
    ['hangs', undefined],
    ['fails', tokenError('ERR_TOKEN_NOT_FOUND')],
  ])('so it serves for as long as it is valid, also when the look %s', async (_name, answer) => {
    const clock = createFakeClock()
    const provider = createHoldingProvider(tokenFor(clock, 'only', 25))
    provider.answer = answer
    const { call, sent } = await connect(provider, clock)
    expect(await call()).toEqual(OK)
    await clock.advance(24_999)
    expect(await call()).toEqual(OK)
    expect(sent()).toEqual(['Bearer only', 'Bearer only'])
    await clock.advance(1)
    provider.settle(tokenError('ERR_TOKEN_NOT_FOUND'))
    provider.answer = tokenError('ERR_TOKEN_NOT_FOUND')
    expect((await call()).code).toBe(status.UNAVAILABLE)
    expect(sent()).toHaveLength(2)
  })

  it('so tokens that live for less than 30 seconds work, with a look a second at most', async () => {
    const clock = createFakeClock()
    const provider = createManualProvider(tokenFor(clock, 'short', 20))
    const { call, sent } = await connect(provider, clock)
    for (let calls = 0; calls < 4; calls++) expect(await call()).toEqual(OK)
    expect(provider.lookups).toBe(2)
    await clock.advance(1_000)
    await call()
    expect(provider.lookups).toBe(3)
    expect(new Set(sent())).toEqual(new Set(['Bearer short']))
  })

  it('never sends one that has expired, whoever vouches for it', async () => {
    const clock = createFakeClock()
    const provider = createHoldingProvider(tokenFor(clock, 'dead', -1))
    provider.answer = provider.current
    const { call, sent } = await connect(provider, clock)
    const { code, details } = await call()
    expect(code).toBe(status.UNAUTHENTICATED)
    expect(details).toContain('ERR_GRPC_TOKEN_EXPIRED')
    expect(sent()).toEqual([])
  })
})

describe('gRFC A97, 2: a token is refreshed while it serves', () => {
  it('asks for nothing until 90 seconds before the expiry', async () => {
    const clock = createFakeClock()
    const provider = createManualProvider(tokenFor(clock, 'old', 600))
    const { call } = await connect(provider, clock)
    await call()
    await clock.advance(509_999)
    await call()
    expect(provider.lookups).toBe(1)
    await clock.advance(1)
    await call()
    expect(provider.lookups).toBe(2)
  })

  it('sends the old one meanwhile, and begins one look for all calls', async () => {
    const clock = createFakeClock()
    const provider = createManualProvider(tokenFor(clock, 'old', 600))
    const { call, sent } = await connect(provider, clock)
    await call()
    await clock.advance(520_000)
    provider.answer = undefined
    expect(await Promise.all([call(), call(), call()])).toEqual([OK, OK, OK])
    expect(provider.lookups).toBe(2)
    provider.settle(tokenFor(clock, 'new', 600))
    const sendAndSee = async () => {
      await call()
      return sent().at(-1)
    }
    await expect.poll(sendAndSee).toBe('Bearer new')
    expect(new Set(sent().slice(0, 4))).toEqual(new Set(['Bearer old']))
    expect(provider.lookups).toBe(2)
  })

  it('fails no call when that look fails, and backs off', async () => {
    const clock = createFakeClock()
    const provider = createManualProvider(tokenFor(clock, 'old', 600))
    const { call } = await connect(provider, clock)
    await call()
    await clock.advance(520_000)
    provider.answer = tokenError('ERR_TOKEN_UNREADABLE')
    for (let calls = 0; calls < 5; calls++) expect(await call()).toEqual(OK)
    expect(provider.lookups).toBe(2)
  })

  it('takes what the provider holds over what it gave before', async () => {
    const clock = createFakeClock()
    const provider = createHoldingProvider(tokenFor(clock, 'old', 3600))
    const { call, sent } = await connect(provider, clock)
    await call()
    provider.current = tokenFor(clock, 'new', 3600)
    await call()
    expect(sent()).toEqual(['Bearer old', 'Bearer new'])
    expect(provider.lookups).toBe(0)
  })
})

describe('gRFC A97, 3: without a token calls wait for one look', () => {
  it('applies its success to all of them', async () => {
    const provider = createManualProvider()
    const { call, server, clock, sent } = await connect(provider)
    const calls = [call(), call(), call()]
    await expect.poll(() => provider.lookups).toBe(1)
    expect(server.seen).toEqual([])
    provider.settle(tokenFor(clock, 'first', 600))
    expect(await Promise.all(calls)).toEqual([OK, OK, OK])
    expect(provider.lookups).toBe(1)
    expect(sent()).toEqual(['Bearer first', 'Bearer first', 'Bearer first'])
  })

  it('one look serves all channels and all credentials over one provider', async () => {
    const provider = createManualProvider()
    const clock = createFakeClock()
    const one = await connect(provider, clock)
    const other = await connect(provider, clock)
    const calls = [one.call(), other.call()]
    await expect.poll(() => provider.lookups).toBe(1)
    provider.settle(tokenFor(clock, 'first', 600))
    expect(await Promise.all(calls)).toEqual([OK, OK])
    expect(provider.lookups).toBe(1)
  })

  it('a call whose deadline passes meanwhile ends by it, and is not sent later', async () => {
    const provider = createManualProvider()
    const { call, ready, clock, sent } = await connect(provider)
    await ready()
    const { code } = await call({ deadline: Date.now() + 200 })
    expect(code).toBe(status.DEADLINE_EXCEEDED)
    provider.settle(tokenFor(clock, 'late', 600))
    expect(await call()).toEqual(OK)
    expect(sent()).toEqual(['Bearer late'])
    expect(provider.lookups).toBe(1)
  })

  it('so does one that is cancelled, and the others go on waiting', async () => {
    const provider = createManualProvider()
    const { call, begin, clock, sent } = await connect(provider)
    const waiting = call()
    const cancelled = begin()
    await expect.poll(() => provider.lookups).toBe(1)
    cancelled.call.cancel()
    expect((await cancelled.outcome).code).toBe(status.CANCELLED)
    provider.settle(tokenFor(clock, 'first', 600))
    expect(await waiting).toEqual(OK)
    expect(sent()).toEqual(['Bearer first'])
  })
})

describe('gRFC A97, 4: a source that cannot be read is UNAVAILABLE', () => {
  it.each<TokenErrorCode>([
    'ERR_TOKEN_NOT_FOUND',
    'ERR_TOKEN_UNREADABLE',
    'ERR_TOKEN_NOT_A_FILE',
    'ERR_WATCHER_CLOSED',
  ])('%s', async (code) => {
    const { call, server } = await connect(createManualProvider(tokenError(code)))
    const outcome = await call()
    expect(outcome.code).toBe(status.UNAVAILABLE)
    expect(outcome.details).toContain(`the file is no good (${code})`)
    expect(server.seen).toEqual([])
  })

  it.each([
    [
      'an error with a code of another kind',
      Object.assign(new Error('no login'), { code: 'ERR_VAULT_SEALED' }),
    ],
    ['an error with a number', Object.assign(new Error('odd'), { code: 5 })],
    ['an error without a code', new Error('odd')],
  ])('%s', async (_name, error) => {
    const { call } = await connect(createManualProvider(error))
    expect((await call()).code).toBe(status.UNAVAILABLE)
  })

  it('a provider that throws or rejects with no error at all', async () => {
    const provider = createManualProvider()
    provider.getToken = () => {
      throw undefined
    }
    const { call } = await connect(provider)
    expect((await call()).code).toBe(status.UNAVAILABLE)
  })

  it.each(['current', 'code', 'message'])("a provider whose own or whose error's %s throws", async (name) => {
    const error = new Error('odd')
    const provider = createManualProvider(error)
    Object.defineProperty(name === 'current' ? provider : error, name, {
      get() {
        throw new Error('odder')
      },
    })
    const { call } = await connect(provider)
    expect((await call()).code).toBe(status.UNAVAILABLE)
    expect((await call()).code).toBe(status.UNAVAILABLE)
  })

  it('applies to all calls that wait', async () => {
    const provider = createManualProvider()
    const { call } = await connect(provider)
    const calls = [call(), call(), call()]
    await expect.poll(() => provider.lookups).toBe(1)
    provider.settle(tokenError('ERR_TOKEN_NOT_FOUND'))
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(Array(3).fill(status.UNAVAILABLE))
    expect(provider.lookups).toBe(1)
  })
})

describe('gRFC A97, 5: what is no token is UNAUTHENTICATED', () => {
  it.each<TokenErrorCode>([
    'ERR_TOKEN_EMPTY',
    'ERR_TOKEN_MALFORMED',
    'ERR_TOKEN_TOO_LARGE',
    'ERR_TOKEN_EXPIRED',
    'ERR_TOKEN_AUDIENCE',
    'ERR_TOKEN_ISSUER',
    'ERR_TOKEN_SUBJECT',
    'ERR_TOKEN_OLDER',
  ])('%s', async (code) => {
    const { call, server } = await connect(createManualProvider(tokenError(code)))
    const outcome = await call()
    expect(outcome.code).toBe(status.UNAUTHENTICATED)
    expect(outcome.details).toContain(code)
    expect(server.seen).toEqual([])
  })

  it.each([
    ['nothing', undefined],
    ['an empty token', { token: '', expiresAtMs: undefined, loadedAtMs: 0 }],
    ['a line break in a token', { token: 'secret\r\nx: y', expiresAtMs: undefined, loadedAtMs: 0 }],
  ])('a provider that gives %s', async (_name, given) => {
    const provider = createManualProvider()
    provider.getToken = async () => given as never
    const { call, server } = await connect(provider)
    const { code, details } = await call()
    expect(code).toBe(status.UNAUTHENTICATED)
    expect(details).toContain('ERR_GRPC_INVALID_TOKEN')
    expect(details).not.toContain('secret')
    expect(server.seen).toEqual([])
  })

  it('deviates for a token without a known expiry: it is sent, and kept by nobody but the provider', async () => {
    const clock = createFakeClock()
    const provider = createManualProvider(tokenFor(clock, 'opaque'))
    const { call, sent } = await connect(provider, clock)
    expect(await call()).toEqual(OK)
    provider.answer = tokenFor(clock, 'other')
    expect(await call()).toEqual(OK)
    expect(sent()).toEqual(['Bearer opaque', 'Bearer other'])
    expect(provider.lookups).toBe(2)
  })

  it('and held by a provider it costs no look', async () => {
    const clock = createFakeClock()
    const provider = createHoldingProvider(tokenFor(clock, 'opaque'))
    const { call, sent } = await connect(provider, clock)
    await call()
    await clock.advance(1e9)
    await call()
    expect(sent()).toEqual(['Bearer opaque', 'Bearer opaque'])
    expect(provider.lookups).toBe(0)
  })
})

describe('gRFC A97, 6: after a failure calls back off', () => {
  it('fails them with the last status, without a look, until the time is over', async () => {
    const provider = createManualProvider(tokenError('ERR_TOKEN_EMPTY'))
    const { call, clock } = await connect(provider)
    const first = await call()
    await clock.advance(799)
    expect(await call()).toEqual(first)
    expect(first.code).toBe(status.UNAUTHENTICATED)
    expect(provider.lookups).toBe(1)
    provider.answer = tokenFor(clock, 'good', 600)
    await clock.advance(401)
    expect(await call()).toEqual(OK)
    expect(provider.lookups).toBe(2)
  })

  it('waits 1 s, 1.6 s, 2.56 s and so on up to 120 s, each give or take a fifth', async () => {
    const provider = createManualProvider(tokenError('ERR_TOKEN_NOT_FOUND'))
    const { call, clock } = await connect(provider)
    await call()
    for (let failures = 1; failures <= 14; failures++) {
      const delayMs = Math.min(1_000 * 1.6 ** (failures - 1), 120_000)
      await clock.advance(Math.floor(delayMs * 0.8) - 1)
      await call()
      expect(provider.lookups).toBe(failures)
      await clock.advance(Math.ceil(delayMs * 0.4) + 2)
      await call()
      expect(provider.lookups).toBe(failures + 1)
    }
  })

  it('looks at nothing while there are no calls', async () => {
    const provider = createManualProvider(tokenError('ERR_TOKEN_NOT_FOUND'))
    const { call, clock } = await connect(provider)
    await call()
    await clock.advance(1e9)
    expect(provider.lookups).toBe(1)
    expect(clock.pendingTimers).toBe(0)
  })

  it('begins anew with 1 s after a success', async () => {
    const provider = createManualProvider(tokenError('ERR_TOKEN_NOT_FOUND'))
    const { call, clock } = await connect(provider)
    for (let failures = 0; failures < 5; failures++) {
      await call()
      await clock.advance(10_000)
    }
    provider.answer = tokenFor(clock, 'good', 31)
    expect(await call()).toEqual(OK)
    await clock.advance(31_000)
    provider.answer = tokenError('ERR_TOKEN_NOT_FOUND')
    expect((await call()).code).toBe(status.UNAVAILABLE)
    const { lookups } = provider
    await clock.advance(1_201)
    await call()
    expect(provider.lookups).toBe(lookups + 1)
  })

  it('ends at once when the provider comes to hold a token', async () => {
    const provider = createHoldingProvider()
    provider.answer = tokenError('ERR_TOKEN_NOT_FOUND')
    const { call, clock, sent } = await connect(provider)
    expect((await call()).code).toBe(status.UNAVAILABLE)
    provider.current = tokenFor(clock, 'found', 600)
    expect(await call()).toEqual(OK)
    expect(sent()).toEqual(['Bearer found'])
    expect(provider.lookups).toBe(1)
  })

  it('is over with that token, however short its life, also when a server then refuses it', async () => {
    const provider = createHoldingProvider()
    provider.answer = tokenError('ERR_TOKEN_ISSUER')
    const { call, clock, sent } = await connect(provider)
    expect((await call()).code).toBe(status.UNAUTHENTICATED)
    provider.current = tokenFor(clock, 'found', 40)
    provider.answer = provider.current
    expect(await call()).toEqual(OK)
    // As a watcher does whose token was refused: it holds none until it has looked.
    provider.current = undefined
    provider.answer = tokenFor(clock, 'another', 40)
    expect(await call()).toEqual(OK)
    expect(sent()).toEqual(['Bearer found', 'Bearer another'])
  })
})

describe('gRFC A97, 7: the header', () => {
  it('is one authorization with the scheme Bearer', async () => {
    const clock = createFakeClock()
    const { call, server } = await connect(createHoldingProvider(tokenFor(clock, 'abc', 600)), clock)
    await call()
    expect(server.seen).toEqual([['Bearer abc']])
  })
})
