import { Readable } from 'node:stream'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import { describe, expect, it } from 'vitest'
import { createManualProvider, createScriptedProvider, failingReports, token } from './support/provider.js'
import { type Answer, accepting, startServer } from './support/server.js'
import { closing, type Major, majors } from './support/undici-majors.js'

/** An agent with one connection, so that a 401 that keeps its socket makes the test hang. */
async function setup(load: Major['load'], answer: Answer, ...tokens: string[]) {
  const server = await startServer(answer)
  const undici = await load()
  const provider = createScriptedProvider(...tokens)
  const interceptor = createTokenInterceptor(provider, { origins: server.origin })
  const dispatcher = closing(new undici.Agent({ connections: 1, pipelining: 1 }).compose(interceptor))
  return { ...server, undici, provider, dispatcher }
}

const sent = (seen: { headers: { authorization?: string | undefined } }[]) =>
  seen.map(({ headers }) => headers.authorization)

describe.each(majors)('a 401 through the interceptor under $name', ({ skip, load }) => {
  it.skipIf(skip)('is retried once with another token, on the same connection', async () => {
    const { undici, origin, seen, dispatcher, provider } = await setup(
      load,
      accepting('Bearer t2'),
      't1',
      't2',
    )
    const { statusCode, body } = await undici.request(origin, { dispatcher })
    expect([statusCode, await body.text()]).toEqual([200, 'welcome'])
    expect(sent(seen)).toEqual(['Bearer t1', 'Bearer t2'])
    expect(seen[1]?.port).toBe(seen[0]?.port)
    expect(provider.invalidated).toEqual(['t1'])
  })

  it.skipIf(skip)('is retried under fetch', async () => {
    const { undici, origin, seen, dispatcher } = await setup(load, accepting('Bearer t2'), 't1', 't2')
    const response = await undici.fetch(origin, { dispatcher })
    expect([response.status, await response.text()]).toEqual([200, 'welcome'])
    expect(seen).toHaveLength(2)
  })

  it.skipIf(skip)('reaches the caller with its body when there is no other token', async () => {
    const { undici, origin, seen, dispatcher, provider } = await setup(load, accepting('Bearer t2'), 't1')
    const { statusCode, body } = await undici.request(origin, { dispatcher })
    expect([statusCode, await body.text()]).toEqual([401, 'who are you?'])
    const response = await undici.fetch(origin, { dispatcher })
    expect([response.status, await response.text()]).toEqual([401, 'who are you?'])
    expect(seen).toHaveLength(2)
    expect(provider.invalidated).toEqual(['t1', 't1'])
  })

  it.skipIf(skip)('reaches the caller after the second refusal, which is reported too', async () => {
    const { undici, origin, seen, dispatcher, provider } = await setup(load, accepting('x'), 't1', 't2', 't3')
    const { statusCode, body } = await undici.request(origin, { dispatcher })
    expect([statusCode, await body.text()]).toEqual([401, 'who are you?'])
    expect(sent(seen)).toEqual(['Bearer t1', 'Bearer t2'])
    expect(provider.invalidated).toEqual(['t1', 't2'])
  })

  it.skipIf(skip)('reaches the caller in full when the provider fails, however large it is', async () => {
    const { origin, seen } = await startServer((_seen, _request, response) =>
      response.writeHead(401).end(Buffer.alloc(1_000_000)),
    )
    const { Agent, request } = await load()
    const provider = createManualProvider(token('t1'))
    const dispatcher = closing(new Agent().compose(createTokenInterceptor(provider, { origins: origin })))
    const response = request(origin, { dispatcher })
    ;(await provider.lookedUp()).reject(new Error('no token'))
    const { statusCode, body } = await response
    expect([statusCode, (await body.arrayBuffer()).byteLength]).toEqual([401, 1_000_000])
    expect(seen).toHaveLength(1)
  })

  it.skipIf(skip).each(failingReports)('reaches the caller when the report $how', async ({ invalidate }) => {
    const { origin } = await startServer(accepting('Bearer t2'))
    const { Agent, request } = await load()
    const provider = { current: token('t1'), getToken: async () => token('t1'), invalidate }
    const dispatcher = closing(new Agent().compose(createTokenInterceptor(provider, { origins: origin })))
    const { statusCode, body } = await request(origin, { dispatcher })
    expect([statusCode, await body.text()]).toEqual([401, 'who are you?'])
  })

  it.skipIf(skip)('is not needed for a failure: a provider that rejects with nothing is one', async () => {
    const { origin, seen } = await startServer()
    const { Agent, request } = await load()
    const provider = { getToken: () => Promise.reject(), invalidate() {} }
    const dispatcher = closing(new Agent().compose(createTokenInterceptor(provider, { origins: origin })))
    await expect(request(origin, { dispatcher })).rejects.toThrow('The token provider failed')
    expect(seen).toEqual([])
  })

  it.skipIf(skip).each([
    ['is empty', 0],
    ['is huge', 5_000_000],
  ])('is retried on the only connection when its body %s', async (_what, length) => {
    const answer: Answer = (seen, request, response) => {
      if (seen.headers.authorization === 'Bearer t2') return accepting('Bearer t2')(seen, request, response)
      response.writeHead(401).end(Buffer.alloc(length))
    }
    const { undici, origin, seen, dispatcher } = await setup(load, answer, 't1', 't2')
    const { body } = await undici.request(origin, { dispatcher })
    expect(await body.text()).toBe('welcome')
    expect(seen).toHaveLength(2)
  })

  it.skipIf(skip)('is retried on the only connection when its body never ends', async () => {
    const answer: Answer = (seen, request, response) => {
      if (seen.headers.authorization === 'Bearer t2') return accepting('Bearer t2')(seen, request, response)
      response.writeHead(401).write('and so on')
    }
    const { undici, origin, dispatcher } = await setup(load, answer, 't1', 't2')
    const { body } = await undici.request(origin, { dispatcher })
    expect(await body.text()).toBe('welcome')
  })

  it.skipIf(skip)('is retried when the connection breaks under its body', async () => {
    const answer: Answer = (seen, request, response) => {
      if (seen.headers.authorization === 'Bearer t2') return accepting('Bearer t2')(seen, request, response)
      response.writeHead(401, { 'content-length': 100 })
      response.write('cut', () => response.destroy())
    }
    const { undici, origin, dispatcher } = await setup(load, answer, 't1', 't2')
    const { body } = await undici.request(origin, { dispatcher })
    expect(await body.text()).toBe('welcome')
  })

  it.skipIf(skip)('is not retried with a stream, whatever that calls itself', async () => {
    const { undici, origin, seen, dispatcher } = await setup(load, accepting('Bearer t2'), 't1', 't2')
    // As npm's form-data does.
    const form = Object.assign(Readable.from(['text']), { [Symbol.toStringTag]: 'FormData' })
    const { statusCode, body } = await undici.request(origin, { dispatcher, method: 'POST', body: form })
    expect([statusCode, await body.text()]).toEqual([401, 'who are you?'])
    expect(seen).toMatchObject([{ body: 'text' }])
  })

  it.skipIf(skip).each([
    ['a string', 'text'],
    ['a Buffer', Buffer.from('text')],
    ['bytes', new TextEncoder().encode('text')],
    ['a Blob', new Blob(['text'])],
  ])('is retried with the body when that is %s', async (_what, body) => {
    const { undici, origin, seen, dispatcher } = await setup(load, accepting('Bearer t2'), 't1', 't2')
    const { statusCode } = await undici.request(origin, { dispatcher, method: 'POST', body: body as never })
    expect(statusCode).toBe(200)
    expect(seen.map(({ body }) => body)).toEqual(['text', 'text'])
  })

  it.skipIf(skip)('is retried with a form', async () => {
    const { undici, origin, seen, dispatcher } = await setup(load, accepting('Bearer t2'), 't1', 't2')
    const body = new undici.FormData()
    body.set('a', '1')
    expect((await undici.request(origin, { dispatcher, method: 'POST', body })).statusCode).toBe(200)
    expect(seen).toHaveLength(2)
    for (const { body } of seen) expect(body).toContain('name="a"')
  })

  it.skipIf(skip).each([
    ['a stream', () => Readable.from(['streamed'])],
    [
      'an async iterable',
      () =>
        (async function* () {
          yield 'streamed'
        })(),
    ],
    ['a web stream', () => new Blob(['streamed']).stream()],
  ])('reaches the caller when the body was %s', async (_what, create) => {
    const { undici, origin, seen, dispatcher, provider } = await setup(
      load,
      accepting('Bearer t2'),
      't1',
      't2',
    )
    const options = { dispatcher, method: 'POST', body: create() as never } as const
    const { statusCode, body } = await undici.request(origin, options)
    expect([statusCode, await body.text()]).toEqual([401, 'who are you?'])
    expect(seen).toMatchObject([{ body: 'streamed' }])
    expect(provider.invalidated).toEqual(['t1'])
  })

  it.skipIf(skip)('of an origin that is not listed is none of its business', async () => {
    const { undici, dispatcher, provider } = await setup(load, accepting('Bearer t2'), 't1', 't2')
    const other = await startServer(accepting('x'))
    expect((await undici.request(other.origin, { dispatcher })).statusCode).toBe(401)
    expect(provider.invalidated).toEqual([])
  })

  it.skipIf(skip)('leaves the backpressure of the retried response to the caller', async () => {
    const answer: Answer = (seen, request, response) => {
      if (seen.headers.authorization !== 'Bearer t2') return accepting()(seen, request, response)
      response.end(Buffer.alloc(3_000_000))
    }
    const { undici, origin, dispatcher } = await setup(load, answer, 't1', 't2')
    const { body } = await undici.request(origin, { dispatcher, highWaterMark: 1_000 })
    let bytes = 0
    for await (const chunk of body) {
      bytes += chunk.length
      await new Promise(setImmediate)
    }
    expect(bytes).toBe(3_000_000)
  })
})
