import type { TokenProvider } from '@projected-token/core'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createManualProvider, createScriptedProvider, token } from './support/provider.js'
import { accepting, startServer } from './support/server.js'
import { closing, majors } from './support/undici-majors.js'

describe.each(majors)('createTokenInterceptor under $name', ({ name, skip, load }) => {
  it.skipIf(skip)('sends the token with request, stream, pipeline and fetch', async () => {
    const { origin, seen } = await startServer()
    const { Agent, request, stream, pipeline, fetch } = await load()
    const interceptor = createTokenInterceptor(createScriptedProvider('t1'), { origins: origin })
    const dispatcher = closing(new Agent().compose(interceptor))
    const { Writable } = await import('node:stream')
    const { text } = await import('node:stream/consumers')
    await (await request(`${origin}/1`, { dispatcher, method: 'POST', body: 'hello' })).body.dump()
    await stream(
      `${origin}/2`,
      { dispatcher, method: 'GET' },
      () => new Writable({ write: (_c, _e, done) => done() }),
    )
    await text(pipeline(`${origin}/3`, { dispatcher, method: 'POST' }, ({ body }) => body).end('piped'))
    await (await fetch(`${origin}/4`, { dispatcher })).text()
    expect(seen).toMatchObject([{ body: 'hello' }, { path: '/2' }, { body: 'piped' }, { path: '/4' }])
    for (const { headers } of seen) expect(headers.authorization).toBe('Bearer t1')
  })

  // Node 26 looks for a global dispatcher where undici 6 does not put it.
  const unseen = name === 'undici 6' && Number.parseInt(process.versions.node, 10) >= 26
  it.skipIf(skip || unseen)("serves Node's own fetch as the global dispatcher", async () => {
    const { origin, seen } = await startServer(accepting('Bearer t2'))
    const { Agent, getGlobalDispatcher, setGlobalDispatcher } = await load()
    const interceptor = createTokenInterceptor(createScriptedProvider('t1', 't2'), { origins: origin })
    const before = getGlobalDispatcher()
    onTestFinished(() => setGlobalDispatcher(before))
    setGlobalDispatcher(closing(new Agent().compose(interceptor)))
    expect(await (await globalThis.fetch(origin)).text()).toBe('welcome')
    expect(seen).toHaveLength(2)
  })

  it.skipIf(skip)('passes a request to another origin untouched and without the token', async () => {
    const listed = await startServer()
    const other = await startServer()
    const { Agent, request } = await load()
    const provider = createScriptedProvider('t1')
    const dispatcher = closing(
      new Agent().compose(createTokenInterceptor(provider, { origins: listed.origin })),
    )
    await request(other.origin, { dispatcher })
    await request(`http://localhost:${listed.port}`, { dispatcher })
    expect([...other.seen, ...listed.seen].map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      undefined,
    ])
    expect(provider.lookups).toEqual([])
  })

  it.skipIf(skip)(
    'leaves a request alone that has the header in any form, also when it is refused',
    async () => {
      const { origin, seen } = await startServer((_seen, _request, response) =>
        response.writeHead(401).end('no'),
      )
      const { Agent, request } = await load()
      const provider = createScriptedProvider('t1', 't2')
      const dispatcher = closing(new Agent().compose(createTokenInterceptor(provider, { origins: origin })))
      function* generated() {
        yield ['AUTHORIZATION', 'Basic own'] as [string, string]
      }
      const forms = [
        { Authorization: 'Basic own' },
        ['x-own', '1', 'AUTHORIZATION', 'Basic own'],
        new Headers({ authorization: 'Basic own' }),
        new Map([['authorization', 'Basic own']]),
        generated(),
      ]
      for (const headers of forms) {
        const response = await request(origin, { dispatcher, headers })
        expect([response.statusCode, await response.body.text()]).toEqual([401, 'no'])
      }
      expect(seen.map(({ headers }) => headers.authorization)).toEqual(forms.map(() => 'Basic own'))
      expect(provider.invalidated).toEqual([])
    },
  )

  it.skipIf(skip)('adds the header to a copy, in every form, and exactly once', async () => {
    const { origin, seen } = await startServer()
    const { Agent, request } = await load()
    const interceptor = createTokenInterceptor(createScriptedProvider('t1'), { origins: origin })
    const dispatcher = closing(new Agent().compose(interceptor))
    const name = fc.constantFrom('authorization', 'Authorization', 'x-a', 'X-B', 'x-c')
    const fields = fc.uniqueArray(fc.tuple(name, fc.stringMatching(/^[a-z0-9]{1,8}$/)), {
      maxLength: 4,
      selector: ([field]) => field.toLowerCase(),
    })
    const forms = fc.constantFrom(
      (list: [string, string][]) => Object.freeze(Object.fromEntries(list)),
      (list: [string, string][]) => Object.freeze(list.flat()) as string[],
      (list: [string, string][]) => new Map(list),
      (list: [string, string][]) => new Headers(list),
      (list: [string, string][]) => new Set(list),
      (list: [string, string][]) => (list.length === 0 ? undefined : list.values()),
    )
    await fc.assert(
      fc.asyncProperty(fields, forms, async (list, form) => {
        seen.length = 0
        const headers = form(list)
        await (await request(origin, { dispatcher, headers: headers as never })).body.dump()
        const expected = new Headers(list)
        if (!expected.has('authorization')) expected.set('authorization', 'Bearer t1')
        const { rawHeaders } = seen[0] as (typeof seen)[number]
        const arrived = rawHeaders.filter((_, i) => i % 2 === 0).map((field) => field.toLowerCase())
        expect(arrived.filter((field) => expected.has(field)).sort()).toEqual([...expected.keys()])
        expect(seen[0]?.headers).toMatchObject(Object.fromEntries(expected))
      }),
      { numRuns: 60 },
    )
  })

  it.skipIf(skip)('takes a header that is undefined for none, as undici does', async () => {
    const { origin, seen } = await startServer()
    const { Agent, request } = await load()
    const interceptor = createTokenInterceptor(createScriptedProvider('t1'), { origins: origin })
    const headers = { Authorization: undefined }
    await request(origin, { dispatcher: closing(new Agent().compose(interceptor)), headers })
    expect(seen[0]?.headers.authorization).toBe('Bearer t1')
    expect(headers).toEqual({ Authorization: undefined })
  })

  it.skipIf(skip)("takes an empty header for the caller's own", async () => {
    const { origin, seen } = await startServer()
    const { Agent, request } = await load()
    const interceptor = createTokenInterceptor(createScriptedProvider('t1'), { origins: origin })
    const dispatcher = closing(new Agent().compose(interceptor))
    await request(origin, { dispatcher, headers: { authorization: '' } })
    expect(seen[0]?.headers.authorization).toBe('')
  })

  it.skipIf(skip)('fails the request with the error of the provider and sends nothing', async () => {
    const { origin, seen } = await startServer()
    const { Agent, request, fetch } = await load()
    const failure = Object.assign(new Error('expired'), { code: 'ERR_TOKEN_EXPIRED' })
    const provider = { getToken: () => Promise.reject(failure), invalidate() {} }
    const dispatcher = closing(new Agent().compose(createTokenInterceptor(provider, { origins: origin })))
    await expect(request(origin, { dispatcher })).rejects.toBe(failure)
    await expect(fetch(origin, { dispatcher })).rejects.toMatchObject({ cause: failure })
    expect(seen).toEqual([])
  })

  it.skipIf(skip)('waits for the first token', async () => {
    const { origin, seen } = await startServer()
    const { Agent, request } = await load()
    const provider = createManualProvider()
    const dispatcher = closing(new Agent().compose(createTokenInterceptor(provider, { origins: origin })))
    const headers = { 'x-own': 'before' }
    const response = request(origin, { dispatcher, headers })
    const lookup = await provider.lookedUp()
    headers['x-own'] = 'after'
    lookup.resolve(token('t1'))
    expect(await (await response).body.text()).toBe('ok')
    expect(seen[0]?.headers).toMatchObject({ authorization: 'Bearer t1', 'x-own': 'before' })
  })

  it.skipIf(skip)("asks a provider whose 'current' is null for a token, also for another one", async () => {
    const { origin, seen } = await startServer(accepting('Bearer t2'))
    const { Agent, request } = await load()
    const secrets = ['t1', 't2']
    const provider = { current: null, getToken: async () => token(secrets.shift() ?? ''), invalidate() {} }
    const interceptor = createTokenInterceptor(provider as unknown as TokenProvider, { origins: origin })
    const { statusCode } = await request(origin, { dispatcher: closing(new Agent().compose(interceptor)) })
    expect([statusCode, seen.length]).toEqual([200, 2])
  })

  it.skipIf(skip)('never shows an unusable token that a provider gives', async () => {
    const { origin, seen } = await startServer()
    const { Agent, request } = await load()
    const broken = { token: 'se\r\ncret', expiresAtMs: undefined, loadedAtMs: 0 }
    const provider = { current: broken, getToken: async () => broken, invalidate() {} }
    const dispatcher = closing(new Agent().compose(createTokenInterceptor(provider, { origins: origin })))
    const failure = await request(origin, { dispatcher }).catch((error) => error)
    expect(failure.code).toBe('ERR_FETCH_INVALID_TOKEN')
    expect(failure.stack).not.toContain('cret')
    expect(seen).toEqual([])
  })

  it.skipIf(skip)('gives the return value of dispatch, so that backpressure works', async () => {
    const { origin } = await startServer()
    const { Pool } = await load()
    const interceptor = createTokenInterceptor(createScriptedProvider('t1'), { origins: origin })
    const pool = closing(new Pool(origin, { connections: 1, pipelining: 1 }))
    const dispatch = interceptor(pool.dispatch.bind(pool) as never) as unknown as typeof pool.dispatch
    expect(dispatch).toHaveLength(2)
    const answers: boolean[] = []
    const done = [0, 1].map(
      () =>
        new Promise<void>((resolve, reject) => {
          const handler = {
            onRequestStart() {},
            onResponseStart() {},
            onResponseData() {},
            onResponseEnd: () => resolve(),
            onResponseError: (_controller: unknown, error: Error) => reject(error),
          }
          const legacy = {
            onConnect() {},
            onHeaders: () => true,
            onData: () => true,
            onComplete: () => resolve(),
            onError: reject,
          }
          const options = { origin, path: '/', method: 'GET' } as const
          answers.push(dispatch(options, name === 'undici 6' ? legacy : handler))
        }),
    )
    await Promise.all(done)
    expect(answers[1]).toBe(false)
  })
})

describe.each(majors)('a Client of $name, composed', ({ name, skip, load }) => {
  const setup = async () => {
    const server = await startServer()
    const { Client, Pool } = await load()
    const interceptor = createTokenInterceptor(createScriptedProvider('t1'), { origins: server.origin })
    return {
      ...server,
      client: closing(new Client(server.origin).compose(interceptor)),
      pool: closing(new Pool(server.origin).compose(interceptor)),
    }
  }

  it.skipIf(skip)('sends the token when the request names the origin', async () => {
    const { origin, seen, client, pool } = await setup()
    await client.request({ origin, path: '/', method: 'GET' })
    await pool.request({ origin, path: '/', method: 'GET' })
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', 'Bearer t1'])
  })

  it.skipIf(skip)(
    'without an origin in the request sends the token or fails, but never goes without',
    async () => {
      const { seen, client, pool } = await setup()
      for (const dispatcher of [client, pool]) {
        const response = dispatcher.request({ path: '/', method: 'GET' })
        if (name === 'undici 6' || name === 'undici 7') {
          await expect(response).rejects.toMatchObject({ code: 'ERR_FETCH_ORIGIN_UNKNOWN' })
        } else expect((await response).statusCode).toBe(200)
      }
      for (const { headers } of seen) expect(headers.authorization).toBe('Bearer t1')
    },
  )

  it.skipIf(skip)('leaves the header of the caller alone without an origin', async () => {
    const { seen, client } = await setup()
    await client.request({ path: '/', method: 'GET', headers: { authorization: 'Basic own' } })
    expect(seen[0]?.headers.authorization).toBe('Basic own')
  })

  it.skipIf(skip || !name.startsWith('undici 8'))('is judged by where it is bound to as well', async () => {
    const listed = await startServer()
    const other = await startServer()
    const { Client } = await load()
    const interceptor = createTokenInterceptor(createScriptedProvider('t1'), { origins: listed.origin })
    const client = closing(new Client(other.origin).compose(interceptor))
    await client.request({ origin: listed.origin, path: '/', method: 'GET' })
    expect(other.seen[0]?.headers).not.toHaveProperty('authorization')
  })
})
