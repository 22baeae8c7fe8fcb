import { credentials, InterceptingCall, type Interceptor, Metadata, status } from '@grpc/grpc-js'
import { systemClock } from '@projected-token/core'
import {
  createCallCredentials,
  createChannelCredentials,
  createTokenInterceptor,
} from '@projected-token/grpc'
import { describe, expect, it } from 'vitest'
import { createManualProvider, providerOf, tokenError, tokenFor } from './support/provider.js'
import { authorization, createClient, foreign, startServer } from './support/server.js'

const basic = () =>
  credentials.createFromMetadataGenerator((_info, callback) => callback(null, authorization('Basic foreign')))

async function connect(provider = providerOf('ours'), interceptors = [createTokenInterceptor()]) {
  const server = await startServer()
  const channelCredentials = createChannelCredentials(provider, server.channelCredentials)
  return {
    server,
    provider,
    channelCredentials,
    ...createClient(server.target, channelCredentials, interceptors),
  }
}

describe("the caller's own authorization", () => {
  it('wins, and no look for a token is made for it', async () => {
    const provider = createManualProvider()
    const server = await startServer()
    const channelCredentials = createChannelCredentials(provider, server.channelCredentials)
    const client = createClient(server.target, channelCredentials, [createTokenInterceptor()])
    expect((await client.call({}, authorization('Basic own'))).code).toBe(status.OK)
    expect(server.seen).toEqual([['Basic own']])
    expect(provider.lookups).toBe(0)
  })

  it('wins over call credentials too', async () => {
    const { call, server } = await connect()
    const callCredentials = createCallCredentials(providerOf('call'))
    await call({ credentials: callCredentials }, authorization('Basic own'))
    await call({ credentials: callCredentials })
    expect(server.seen).toEqual([['Basic own'], ['Bearer call']])
  })

  it('from an interceptor before this one wins as well', async () => {
    const adds: Interceptor = (options, nextCall) =>
      new InterceptingCall(nextCall(options), {
        start(metadata, listener, next) {
          metadata.set('authorization', 'Basic added')
          next(metadata, listener)
        },
      })
    const { call, server } = await connect(undefined, [adds, createTokenInterceptor()])
    await call()
    expect(server.seen).toEqual([['Basic added']])
  })

  it.each([
    ['of a call', true],
    ['of a channel', false],
  ])('from other credentials wins: %s', async (_name, isOfCall) => {
    const { call, server, channelCredentials } = await connect()
    if (isOfCall) await call({ credentials: basic() })
    else await createClient(server.target, channelCredentials.compose(basic())).call()
    expect(server.seen).toEqual([['Basic foreign']])
  })

  it('and wins over other credentials on a channel of ours', async () => {
    const { server, channelCredentials } = await connect()
    const client = createClient(server.target, channelCredentials.compose(basic()), [
      createTokenInterceptor(),
    ])
    await client.call({}, authorization('Basic own'))
    expect(server.seen).toEqual([['Basic own']])
  })

  it('wins where credentials of other kinds came to the channel first', async () => {
    const server = await startServer()
    const channelCredentials = server.channelCredentials.compose(foreign())
    const { call } = createClient(
      server.target,
      createChannelCredentials(providerOf('ours'), channelCredentials),
      [createTokenInterceptor()],
    )
    await call({}, authorization('Basic own'))
    await call()
    expect(server.seen).toEqual([['Basic own'], ['Bearer ours']])
  })

  it('wins with two interceptors as with one, and so do call credentials', async () => {
    const { call, server } = await connect(undefined, [createTokenInterceptor(), createTokenInterceptor()])
    const callCredentials = createCallCredentials(providerOf('call'))
    await call({ credentials: callCredentials }, authorization('Basic own'))
    await call({ credentials: callCredentials })
    expect(server.seen).toEqual([['Basic own'], ['Bearer call']])
  })

  it('without the interceptor it fails the call: two are never sent', async () => {
    const { call, server } = await connect(undefined, [])
    const { code, details } = await call({}, authorization('Basic own'))
    expect(code).toBe(status.INTERNAL)
    expect(details).toContain('cannot have multiple values')
    expect(server.seen).toEqual([])
  })

  it('is not needed: other metadata and calls without any stay as they are', async () => {
    const { call, server } = await connect()
    expect((await call()).code).toBe(status.OK)
    const { call: bare, server: other } = await (async () => {
      const server = await startServer()
      return { server, ...createClient(server.target, server.channelCredentials, [createTokenInterceptor()]) }
    })()
    expect((await bare()).code).toBe(status.OK)
    expect((await bare({ credentials: basic() })).code).toBe(status.OK)
    expect([server.seen, other.seen]).toEqual([[['Bearer ours']], [[], ['Basic foreign']]])
  })
})

describe('a token that the server refuses', () => {
  it('is reported once a call, and the call is not retried', async () => {
    const { call, server, provider } = await connect()
    server.accepts = () => false
    const { code, details } = await call()
    expect({ code, details }).toEqual({ code: status.UNAUTHENTICATED, details: 'refused by the server' })
    expect(provider.invalidated).toEqual([provider.current])
    expect(server.seen).toHaveLength(1)
  })

  it('is the one that was sent, whatever the provider has by then', async () => {
    const { call, server, provider } = await connect()
    const refused = provider.current
    server.accepts = () => {
      provider.current = tokenFor(systemClock, 'newer', 600)
      return false
    }
    await call()
    expect(provider.invalidated).toEqual([refused])
  })

  it("is reported to the provider that it came from: the call's own", async () => {
    const { call, server, provider } = await connect()
    const other = providerOf('call')
    server.accepts = () => false
    await call({ credentials: createCallCredentials(other) })
    expect(provider.invalidated).toEqual([])
    expect(other.invalidated).toEqual([other.current])
  })

  it('is reported once by two interceptors', async () => {
    const { call, server, provider } = await connect(undefined, [
      createTokenInterceptor(),
      createTokenInterceptor(),
    ])
    server.accepts = () => false
    await call()
    expect(provider.invalidated).toEqual([provider.current])
  })

  it('is reported where credentials of other kinds came to the channel first', async () => {
    const provider = providerOf('ours')
    const server = await startServer()
    const channelCredentials = server.channelCredentials.compose(foreign())
    const { call } = createClient(server.target, createChannelCredentials(provider, channelCredentials), [
      createTokenInterceptor(),
    ])
    server.accepts = () => false
    await call()
    expect(provider.invalidated).toEqual([provider.current])
  })

  it.each([
    ['rejects', () => Promise.reject(new Error('no'))],
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
  ])('ends the call also when the report %s', async (_name, invalidate) => {
    const provider = Object.assign(providerOf('ours'), { invalidate })
    const { call, server } = await connect(provider)
    server.accepts = () => false
    expect((await call()).code).toBe(status.UNAUTHENTICATED)
    expect((await call()).code).toBe(status.UNAUTHENTICATED)
  })

  it('is reported only when it is known which: not of attempts with different ones', async () => {
    const provider = createManualProvider()
    provider.getToken = async () => tokenFor(systemClock, `opaque-${++provider.lookups}`)
    const server = await startServer()
    const hedgingPolicy = { maxAttempts: 2, hedgingDelay: '0.01s', nonFatalStatusCodes: [] }
    const { call, ready } = createClient(
      server.target,
      createChannelCredentials(provider, server.channelCredentials),
      [createTokenInterceptor()],
      { 'grpc.service_config': JSON.stringify({ methodConfig: [{ name: [{}], hedgingPolicy }] }) },
    )
    await ready()
    let end = (_verdict: boolean) => {}
    const isOver = new Promise<boolean>((resolve) => {
      end = resolve
    })
    server.accepts = async ([value]) => {
      if (value !== 'Bearer opaque-1') return isOver
      await expect.poll(() => server.seen).toHaveLength(2)
      return false
    }
    const { code } = await call()
    end(true)
    expect(code).toBe(status.UNAUTHENTICATED)
    expect(server.seen).toEqual([['Bearer opaque-1'], ['Bearer opaque-2']])
    expect(provider.invalidated).toEqual([])
  })

  it('is asked for anew when the provider holds none of its own', async () => {
    const provider = createManualProvider(tokenFor(systemClock, 'revoked', 600))
    const server = await startServer()
    const client = createClient(
      server.target,
      createChannelCredentials(provider, server.channelCredentials),
      [createTokenInterceptor()],
    )
    server.accepts = ([value]) => value === 'Bearer new'
    expect((await client.call()).code).toBe(status.UNAUTHENTICATED)
    provider.answer = tokenFor(systemClock, 'new', 600)
    expect((await client.call()).code).toBe(status.OK)
    expect(provider.lookups).toBe(2)
  })

  it('is not kept when a look that began before the refusal gives it again', async () => {
    const old = tokenFor(systemClock, 'revoked', 60)
    const provider = createManualProvider(old)
    const server = await startServer()
    const channelCredentials = createChannelCredentials(provider, server.channelCredentials)
    const client = createClient(server.target, channelCredentials, [createTokenInterceptor()])
    expect((await client.call()).code).toBe(status.OK)
    provider.answer = undefined
    server.accepts = ([value]) => value === 'Bearer new'
    expect((await client.call()).code).toBe(status.UNAUTHENTICATED)
    expect(provider.lookups).toBe(2) // since the token expires soon
    provider.answer = tokenFor(systemClock, 'new', 600)
    provider.settle(old)
    await expect.poll(() => client.call()).toMatchObject({ code: status.OK })
    expect(server.seen).toEqual([['Bearer revoked'], ['Bearer revoked'], ['Bearer new']])
  })

  it('is one that was sent: what fails for want of a token is no refusal', async () => {
    const provider = createManualProvider(tokenError('ERR_TOKEN_EXPIRED'))
    const server = await startServer()
    const client = createClient(
      server.target,
      createChannelCredentials(provider, server.channelCredentials),
      [createTokenInterceptor()],
    )
    expect((await client.call()).code).toBe(status.UNAUTHENTICATED)
    expect(provider.invalidated).toEqual([])
  })

  it('was sent by the attempt that failed: what one before it sent was not refused', async () => {
    const provider = createManualProvider(tokenFor(systemClock, 'opaque'))
    const server = await startServer()
    const retryPolicy = {
      ...{ maxAttempts: 2, initialBackoff: '0.01s', maxBackoff: '0.01s', backoffMultiplier: 1 },
      retryableStatusCodes: ['UNAVAILABLE'],
    }
    const client = createClient(
      server.target,
      createChannelCredentials(provider, server.channelCredentials),
      [createTokenInterceptor()],
      { 'grpc.service_config': JSON.stringify({ methodConfig: [{ name: [{}], retryPolicy }] }) },
    )
    server.refusal = status.UNAVAILABLE
    server.accepts = () => {
      provider.answer = tokenError('ERR_TOKEN_EXPIRED')
      return false
    }
    const { code, details } = await client.call()
    expect(code).toBe(status.UNAUTHENTICATED)
    expect(details).toContain('ERR_TOKEN_EXPIRED')
    expect(server.seen).toEqual([['Bearer opaque']])
    expect(provider.invalidated).toEqual([])
  })

  it("is ours: the caller's own header is not reported, nor is any other failure", async () => {
    const { call, server, provider } = await connect()
    server.accepts = () => false
    await call({}, authorization('Basic own'))
    server.refusal = status.PERMISSION_DENIED
    expect((await call()).code).toBe(status.PERMISSION_DENIED)
    expect(provider.invalidated).toEqual([])
  })

  it('is reported for a stream that it ends', async () => {
    const { stream, server, provider } = await connect()
    server.accepts = () => false
    const refused = stream()
    refused.on('error', () => {})
    refused.on('data', () => {})
    await expect.poll(() => provider.invalidated).toEqual([provider.current])
  })

  it('the guard against plaintext holds with the interceptor as without', async () => {
    const server = await startServer('plaintext')
    const client = createClient(server.target, server.channelCredentials, [createTokenInterceptor()])
    const callCredentials = createCallCredentials(providerOf('secret'))
    for (const metadata of [new Metadata(), new Metadata()]) {
      expect((await client.call({ credentials: callCredentials }, metadata)).code).toBe(
        status.UNAUTHENTICATED,
      )
    }
    expect(server.seen).toEqual([])
  })
})
