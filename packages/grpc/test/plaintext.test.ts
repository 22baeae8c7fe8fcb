import { type CallCredentials, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import {
  createCallCredentials,
  createChannelCredentials,
  createTokenInterceptor,
} from '@projected-token/grpc'
import { describe, expect, it } from 'vitest'
import { createManualProvider, providerOf } from './support/provider.js'
import { createClient, foreign, startServer } from './support/server.js'

/** As a program may write it to trace, say. */
function decorate(inner: CallCredentials): CallCredentials {
  return {
    async generateMetadata(info) {
      await new Promise(setImmediate)
      return inner.generateMetadata(info)
    },
    compose: (other) => decorate(inner.compose(other)),
    _equals: (other) => inner._equals(other),
  }
}
const generateFrom = (inner: CallCredentials) =>
  credentials.createFromMetadataGenerator((info, callback) => {
    inner.generateMetadata(info).then((metadata) => callback(null, metadata), callback)
  })

describe('over plaintext', () => {
  it('channel credentials cannot be made: the error names the remedy', () => {
    const make = () => createChannelCredentials(providerOf('secret'), credentials.createInsecure())
    expect(make).toThrow(TypeError)
    expect(make).toThrow(/plaintext.*createSsl\(\).*requireTransportSecurity: false/)
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_GRPC_INSECURE_CHANNEL' }))
  })

  it('nor can insecure credentials be composed with call credentials', () => {
    const callCredentials = createCallCredentials(providerOf('secret'), { requireTransportSecurity: false })
    expect(() =>
      credentials.combineChannelCredentials(credentials.createInsecure(), callCredentials),
    ).toThrow('insecure')
  })

  it('is what grpc-js itself sends other call credentials over', async () => {
    const { target, channelCredentials, seen } = await startServer('plaintext')
    const metadata = new Metadata()
    metadata.set('authorization', 'Bearer secret')
    const other = credentials.createFromMetadataGenerator((_info, callback) => callback(null, metadata))
    await createClient(target, channelCredentials).call({ credentials: other })
    expect(seen).toEqual([['Bearer secret']])
  })

  const own = () => createCallCredentials(providerOf('secret'))
  const cases = (transport: 'plaintext' | 'unix') =>
    [
      ['alone', transport, own],
      ['composed with empty ones', transport, () => own().compose(credentials.createEmpty())],
      ['composed into empty ones', transport, () => credentials.createEmpty().compose(own())],
      ['composed with others', transport, () => own().compose(foreign())],
      ['composed into others', transport, () => foreign().compose(own())],
      ['composed with their like', transport, () => own().compose(own())],
      [
        'composed with some that may',
        transport,
        () => own().compose(createCallCredentials(providerOf('secret'), { requireTransportSecurity: false })),
      ],
      ['in a decorator that awaits', transport, () => decorate(own())],
      ['in a generator', transport, () => generateFrom(own())],
      [
        'composed with empty ones, in a generator',
        transport,
        () => generateFrom(own().compose(credentials.createEmpty())),
      ],
      [
        'composed with empty ones, nested in others',
        transport,
        () => foreign().compose(own().compose(credentials.createEmpty())),
      ],
      ['composed with both', transport, () => own().compose(foreign()).compose(credentials.createEmpty())],
    ] as const

  it.each([...cases('plaintext'), ...cases('unix')])(
    'call credentials refuse, call for call: %s, %s',
    async (_name, transport, make) => {
      const server = await startServer(transport)
      for (const interceptors of [[], [createTokenInterceptor()]]) {
        const client = createClient(server.target, server.channelCredentials, interceptors)
        const callCredentials = make()
        for (let calls = 0; calls < 3; calls++) {
          const { code, details } = await client.call({ credentials: callCredentials })
          expect(code).toBe(status.UNAUTHENTICATED)
          expect(details).toContain('ERR_GRPC_INSECURE_CHANNEL')
          expect(details).toContain('createChannelCredentials(provider, channelCredentials)')
        }
        const stream = client.stream({ credentials: callCredentials })
        const ended = new Promise<number>((resolve) =>
          stream.on('error', (error) => resolve((error as ServiceError).code)),
        )
        stream.write(Buffer.from('x'))
        expect(await ended).toBe(status.UNAUTHENTICATED)
      }
      expect(server.seen).toEqual([])
    },
  )

  it('a call is refused before anybody looks for a token', async () => {
    const server = await startServer('plaintext')
    const provider = createManualProvider()
    const { call } = createClient(server.target, server.channelCredentials)
    const { code } = await call({ credentials: createCallCredentials(provider) })
    expect(code).toBe(status.UNAUTHENTICATED)
    expect(provider.lookups).toBe(0)
  })

  it.each(['plaintext', 'unix'] as const)(
    'requireTransportSecurity: false is the only way: %s',
    async (transport) => {
      const { target, channelCredentials, seen } = await startServer(transport)
      const client = createClient(target, channelCredentials)
      const callCredentials = createCallCredentials(providerOf('open'), { requireTransportSecurity: false })
      expect((await client.call({ credentials: callCredentials })).code).toBe(status.OK)
      expect(seen).toEqual([['Bearer open']])
    },
  )
})

describe('over TLS', () => {
  it('call credentials are sent on a channel that was made with a token, whose place they take', async () => {
    const { target, channelCredentials, seen } = await startServer()
    const client = createClient(target, createChannelCredentials(providerOf('channel'), channelCredentials))
    await client.call()
    await client.call({ credentials: createCallCredentials(providerOf('call')) })
    expect(seen).toEqual([['Bearer channel'], ['Bearer call']])
  })

  it('so they are in a decorator', async () => {
    const { target, channelCredentials, seen } = await startServer()
    const client = createClient(target, createChannelCredentials(providerOf('channel'), channelCredentials))
    await client.call({ credentials: decorate(createCallCredentials(providerOf('call'))) })
    expect(seen).toEqual([['Bearer call']])
  })

  it('composed with a channel they refuse, and name what to use in place of that', async () => {
    const { target, channelCredentials, seen } = await startServer()
    const callCredentials = createCallCredentials(providerOf('channel'))
    const client = createClient(target, channelCredentials.compose(callCredentials))
    const { code, details } = await client.call()
    expect(code).toBe(status.UNAUTHENTICATED)
    expect(details).toContain('ERR_GRPC_INSECURE_CHANNEL')
    expect(details).toContain('createChannelCredentials(provider, channelCredentials)')
    expect(seen).toEqual([])
  })

  it('credentials of other kinds may be beside them', async () => {
    const { target, channelCredentials, seen } = await startServer()
    for (const combined of [
      createChannelCredentials(providerOf('a'), channelCredentials).compose(foreign()),
      createChannelCredentials(providerOf('b'), channelCredentials.compose(foreign())),
    ]) {
      expect(await createClient(target, combined).call()).toEqual({ code: status.OK, details: '' })
    }
    const client = createClient(target, createChannelCredentials(providerOf('c'), channelCredentials))
    await client.call({ credentials: createCallCredentials(providerOf('d')).compose(foreign()) })
    expect(seen).toEqual([['Bearer a'], ['Bearer b'], ['Bearer d']])
  })

  it.each([
    ['in a decorator', decorate],
    ['in a generator', generateFrom],
    ['composed into others', (own: CallCredentials) => foreign().compose(own)],
  ])('with the interceptor they are sent also %s', async (_name, wrap) => {
    const { target, channelCredentials, seen } = await startServer()
    const channelsOwn = createChannelCredentials(providerOf('channel'), channelCredentials)
    const client = createClient(target, channelsOwn, [createTokenInterceptor()])
    const callCredentials = wrap(createCallCredentials(providerOf('call')))
    expect((await client.call({ credentials: callCredentials })).code).toBe(status.OK)
    const plaintext = await startServer('plaintext')
    const other = createClient(plaintext.target, plaintext.channelCredentials, [createTokenInterceptor()])
    expect((await other.call({ credentials: callCredentials })).code).toBe(status.UNAUTHENTICATED)
    expect([seen, plaintext.seen]).toEqual([[['Bearer call']], []])
  })

  it('composed into others they refuse without it: these do not pass on what the channel is', async () => {
    const { target, channelCredentials, seen } = await startServer()
    const client = createClient(target, createChannelCredentials(providerOf('channel'), channelCredentials))
    const { code } = await client.call({
      credentials: foreign().compose(createCallCredentials(providerOf('call'))),
    })
    expect(code).toBe(status.UNAUTHENTICATED)
    expect(seen).toEqual([])
  })

  it('of two in one channel the first is sent, alone', async () => {
    const { target, channelCredentials, seen } = await startServer()
    const first = createChannelCredentials(providerOf('first'), channelCredentials)
    await createClient(target, createChannelCredentials(providerOf('second'), first)).call()
    await createClient(target, first.compose(createCallCredentials(providerOf('second')))).call()
    expect(seen).toEqual([['Bearer first'], ['Bearer first']])
  })

  it('on any other channel they refuse: nothing tells them that it is encrypted', async () => {
    const { target, channelCredentials, seen } = await startServer()
    const client = createClient(target, channelCredentials)
    const { code } = await client.call({ credentials: createCallCredentials(providerOf('call')) })
    expect(code).toBe(status.UNAUTHENTICATED)
    const careless = createCallCredentials(providerOf('call'), { requireTransportSecurity: false })
    expect((await client.call({ credentials: careless })).code).toBe(status.OK)
    expect(seen).toEqual([['Bearer call']])
  })

  it('two clients with the same credentials share a connection, as with those of grpc-js', () => {
    const channelCredentials = credentials.createSsl()
    const provider = providerOf('a')
    const one = createChannelCredentials(provider, channelCredentials)
    expect(one._equals(createChannelCredentials(provider, channelCredentials))).toBe(true)
    expect(one._equals(createChannelCredentials(providerOf('b'), channelCredentials))).toBe(false)
    expect(one._equals(channelCredentials.compose(createCallCredentials(provider)))).toBe(false)
    const shared = foreign()
    expect(one.compose(shared)._equals(one.compose(shared))).toBe(true)
    expect(one.compose(shared)._equals(one.compose(foreign()))).toBe(false)
    expect(one._equals(one.compose(shared))).toBe(false)
  })
})
