import { Readable } from 'node:stream'
import { createAuthFetch } from '@projected-token/fetch'
import { describe, expect, it } from 'vitest'
import { createManualProvider, createScriptedProvider, failingReports, token } from './support/provider.js'
import { accepting, startServer } from './support/server.js'
import { closing, fetches, majors } from './support/undici-majors.js'

const form = () => {
  const data = new FormData()
  data.set('a', '1')
  return data
}

describe.each(fetches)('a 401 through $name', ({ skip, load }) => {
  it.skipIf(skip)('is retried once with another token', async () => {
    const { origin, seen } = await startServer(accepting('Bearer t2'))
    const provider = createScriptedProvider('t1', 't2')
    const response = await createAuthFetch(provider, { origins: origin, fetch: await load() })(origin)
    expect([response.status, await response.text()]).toEqual([200, 'welcome'])
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', 'Bearer t2'])
    expect(provider.invalidated).toEqual(['t1'])
  })

  it.skipIf(skip)('reaches the caller with its body when there is no other token', async () => {
    const { origin, seen } = await startServer(accepting('Bearer t2'))
    const provider = createScriptedProvider('t1')
    const response = await createAuthFetch(provider, { origins: origin, fetch: await load() })(origin)
    expect([response.status, await response.text()]).toEqual([401, 'who are you?'])
    expect(seen).toHaveLength(1)
    expect(provider.invalidated).toEqual(['t1'])
  })

  it.skipIf(skip)('reaches the caller after the second refusal, which is reported too', async () => {
    const { origin, seen } = await startServer(accepting('Bearer t3'))
    const provider = createScriptedProvider('t1', 't2', 't3')
    const response = await createAuthFetch(provider, { origins: origin, fetch: await load() })(origin)
    expect([response.status, await response.text()]).toEqual([401, 'who are you?'])
    expect(seen).toHaveLength(2)
    expect(provider.invalidated).toEqual(['t1', 't2'])
  })

  it.skipIf(skip)('reaches the caller when the provider fails', async () => {
    const { origin, seen } = await startServer(accepting('Bearer t2'))
    const provider = createManualProvider(token('t1'))
    const pending = createAuthFetch(provider, { origins: origin, fetch: await load() })(origin)
    ;(await provider.lookedUp()).reject(new Error('no token'))
    const response = await pending
    expect([response.status, await response.text()]).toEqual([401, 'who are you?'])
    expect(seen).toHaveLength(1)
  })

  it.skipIf(skip).each(failingReports)('reaches the caller when the report $how', async ({ invalidate }) => {
    const { origin } = await startServer(accepting('Bearer t2'))
    const provider = { current: token('t1'), getToken: async () => token('t1'), invalidate }
    const response = await createAuthFetch(provider, { origins: origin, fetch: await load() })(origin)
    expect([response.status, await response.text()]).toEqual([401, 'who are you?'])
  })

  it.skipIf(skip)('uses the token that the provider found meanwhile, without another look', async () => {
    const provider = createScriptedProvider('t1')
    const { origin } = await startServer((seen, request, response) => {
      if (seen.headers.authorization === 'Bearer t1') provider.rotate('t2')
      accepting('Bearer t2')(seen, request, response)
    })
    const response = await createAuthFetch(provider, { origins: origin, fetch: await load() })(origin)
    expect(response.status).toBe(200)
    expect(provider.lookups).toEqual([])
  })

  it.skipIf(skip)('does not send a stream again', async () => {
    const { origin, seen } = await startServer(accepting('Bearer t2'))
    const provider = createScriptedProvider('t1', 't2')
    const authFetch = createAuthFetch(provider, { origins: origin, fetch: await load() })
    const body = new Blob(['streamed']).stream()
    const response = await authFetch(origin, { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect([response.status, await response.text()]).toEqual([401, 'who are you?'])
    expect(seen).toMatchObject([{ body: 'streamed' }])
    expect(provider.invalidated).toEqual(['t1'])
  })
})

describe('the second attempt', () => {
  it.each([
    ['no body', undefined, ''],
    ['a string', 'hello', 'hello'],
    ['URLSearchParams', new URLSearchParams({ a: '1' }), 'a=1'],
    ['an ArrayBuffer', new TextEncoder().encode('bytes').buffer, 'bytes'],
    ['a typed array', new TextEncoder().encode('bytes'), 'bytes'],
    ['a Buffer', Buffer.from('bytes'), 'bytes'],
    ['a Blob', new Blob(['blob']), 'blob'],
  ])('sends %s again', async (_what, body, text) => {
    const { origin, seen } = await startServer(accepting('Bearer t2'))
    const authFetch = createAuthFetch(createScriptedProvider('t1', 't2'), { origins: origin })
    const response = await authFetch(origin, { method: 'POST', body: body as never })
    expect(response.status).toBe(200)
    expect(seen.map(({ body }) => body)).toEqual([text, text])
    expect(seen[1]?.headers['content-type']).toBe(seen[0]?.headers['content-type'])
  })

  it('sends a form again, with a content type that fits it', async () => {
    const { origin, seen } = await startServer(accepting('Bearer t2'))
    const authFetch = createAuthFetch(createScriptedProvider('t1', 't2'), { origins: origin })
    expect((await authFetch(origin, { method: 'POST', body: form() })).status).toBe(200)
    for (const { body, headers } of seen) {
      const boundary = headers['content-type']?.split('boundary=')[1]
      expect(body).toContain(`--${boundary}--`)
    }
  })

  it('sends a Request without a body again, but never one with a body', async () => {
    const { origin, seen } = await startServer(accepting('Bearer t2'))
    const send = (request: Request) =>
      createAuthFetch(createScriptedProvider('t1', 't2'), { origins: origin })(request)
    expect((await send(new Request(origin))).status).toBe(200)
    expect((await send(new Request(origin, { method: 'POST', body: 'b' }))).status).toBe(401)
    expect(seen.map(({ body }) => body)).toEqual(['', '', 'b'])
  })

  it('does not wait for a 401 whose body never ends', async () => {
    const { origin, seen } = await startServer((seen, request, response) => {
      if (seen.headers.authorization === 'Bearer t2') return accepting('Bearer t2')(seen, request, response)
      response.writeHead(401).write('and so on')
    })
    const response = await createAuthFetch(createScriptedProvider('t1', 't2'), { origins: origin })(origin)
    expect(await response.text()).toBe('welcome')
    expect(seen).toHaveLength(2)
  })
})

describe('a fetch whose bodies are streams of Node, as those of node-fetch are', () => {
  const bodies: Readable[] = []
  const nodeStyleFetch = async (...request: Parameters<typeof fetch>) => {
    const response = await fetch(...request)
    const body = Readable.fromWeb(response.body as never)
    bodies.push(body)
    return Object.defineProperty(response, 'body', { value: body })
  }

  it('retries after a 401 and follows a redirect, and lets go of the bodies that nobody reads', async () => {
    const { origin, seen } = await startServer((seen, request, response) => {
      if (seen.path === '/welcome') return accepting('Bearer t2')(seen, request, response)
      response.writeHead(302, { location: '/welcome' }).end('moved')
    })
    const provider = createScriptedProvider('t1', 't2')
    const response = await createAuthFetch(provider, { origins: origin, fetch: nodeStyleFetch })(origin)
    expect([response.status, response.redirected]).toEqual([200, true])
    expect(seen.map(({ path }) => path)).toEqual(['/', '/welcome', '/welcome'])
    expect(bodies.map(({ destroyed }) => destroyed)).toEqual([true, true, false])
  })

  it.each([
    ['a short one, to its end', 40_000, true],
    ['a huge one, in part', 5_000_000, false],
  ])(
    'reads the body of a 401, which alone frees the connection of node-fetch 2: %s',
    async (_what, length, isRead) => {
      const { origin } = await startServer((seen, request, response) => {
        if (seen.headers.authorization === 'Bearer t2') return accepting('Bearer t2')(seen, request, response)
        response.writeHead(401).end(Buffer.alloc(length))
      })
      const authFetch = createAuthFetch(createScriptedProvider('t1', 't2'), {
        origins: origin,
        fetch: nodeStyleFetch,
      })
      expect((await authFetch(origin)).status).toBe(200)
      const [refused] = bodies.slice(-2)
      expect([refused?.readableEnded, refused?.destroyed]).toEqual([isRead, true])
    },
  )
})

describe.each(fetches)('a body that its owner changes after the call of $name', ({ skip, load }) => {
  const bytes = new TextEncoder().encode('page=1')
  it.skipIf(skip).each([
    ['URLSearchParams', new URLSearchParams('page=1'), (body: URLSearchParams) => body.set('page', '2')],
    ['a Buffer', Buffer.from('page=1'), (body: Buffer) => body.fill('x')],
    ['an ArrayBuffer', bytes.buffer, () => bytes.fill(0)],
  ])('is sent as it was, also again: %s', async (_what, body, change) => {
    const { origin, seen } = await startServer(accepting('Bearer t2'))
    const provider = createManualProvider()
    const authFetch = createAuthFetch(provider, { origins: origin, fetch: await load() })
    const response = authFetch(origin, { method: 'POST', body: body as never })
    change(body as never)
    ;(await provider.lookedUp()).resolve(token('t1'))
    await expect.poll(() => provider.lookups[1]).toBeDefined()
    provider.lookups[1]?.resolve(token('t2'))
    expect((await response).status).toBe(200)
    expect(seen.map(({ body }) => body)).toEqual(['page=1', 'page=1'])
  })
})

it('a form that its owner changes after the call is sent as it was', async () => {
  const { origin, seen } = await startServer(accepting('Bearer t2'))
  const authFetch = createAuthFetch(createScriptedProvider('t1', 't2'), { origins: origin })
  const body = form()
  body.set('file', new File(['bytes'], 'name.txt'))
  const response = authFetch(origin, { method: 'POST', body })
  body.set('a', 'another')
  body.delete('file')
  expect((await response).status).toBe(200)
  expect(seen[1]?.body).toContain('name.txt')
  expect(seen[1]?.body).not.toContain('another')
})

it('a form of a class whose constructor wants arguments is sent', async () => {
  class Upload extends FormData {
    constructor(fields: Record<string, string>) {
      super()
      for (const [name, value] of Object.entries(fields)) this.append(name, value)
    }
    override append(name: string, value: string | Blob) {
      super.append(`upload-${name}`, value as string)
    }
  }
  const { origin, seen } = await startServer(accepting('Bearer t1'))
  const authFetch = createAuthFetch(createScriptedProvider('t1'), { origins: origin })
  await authFetch(origin, { method: 'POST', body: new Upload({ a: '1' }) })
  expect(seen[0]?.body).toContain('name="upload-a"')
})

it('parameters that write themselves in a way of their own are sent so', async () => {
  const body = new URLSearchParams({ q: 'a b' })
  body.toString = () => 'q=a%20b'
  const { origin, seen } = await startServer(accepting('Bearer t1'))
  await createAuthFetch(createScriptedProvider('t1'), { origins: origin })(origin, { method: 'POST', body })
  expect(seen[0]?.body).toBe('q=a%20b')
})

describe.each(majors)('a fetch over a client with one connection of $name', ({ skip, load }) => {
  it.skipIf(skip).each([
    ['none', 0],
    ['a short one, on the same connection', 1_000],
    ['a huge one', 5_000_000],
  ])('retries after a 401, whose body is %s', async (what, length) => {
    const { origin, seen } = await startServer((seen, request, response) => {
      if (seen.headers.authorization === 'Bearer t2') return accepting('Bearer t2')(seen, request, response)
      response.writeHead(401).end(Buffer.alloc(length))
    })
    const undici = await load()
    const dispatcher = closing(new undici.Client(origin, { pipelining: 1 }))
    const authFetch = createAuthFetch(createScriptedProvider('t1', 't2'), {
      origins: origin,
      fetch: undici.fetch,
    })
    const response = await authFetch(origin, { dispatcher })
    expect(await response.text()).toBe('welcome')
    expect(seen).toHaveLength(2)
    if (what.includes('same')) expect(seen[1]?.port).toBe(seen[0]?.port)
  })
})
