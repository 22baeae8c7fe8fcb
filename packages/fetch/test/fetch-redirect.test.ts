import { createAuthFetch } from '@projected-token/fetch'
import { describe, expect, it } from 'vitest'
import { createScriptedProvider } from './support/provider.js'
import { accepting, redirecting, startServer } from './support/server.js'
import { fetches } from './support/undici-majors.js'

const headersOf = [
  { header: 'authorization', scheme: 'Bearer', value: 'Bearer t1' },
  { header: 'x-vault-token', scheme: '', value: 't1' },
]
const matrix = fetches.flatMap((fetch) => headersOf.map((header) => ({ ...fetch, ...header })))

describe.each(matrix)('a redirect through $name with the token in $header', (row) => {
  const { skip, load, header, scheme, value } = row
  const create = async (...origins: string[]) =>
    createAuthFetch(createScriptedProvider('t1', 't2'), { origins, header, scheme, fetch: await load() })
  const tokens = ({ seen }: { seen: { headers: Record<string, unknown> }[] }) =>
    seen.map(({ headers }) => headers[header])

  it.skipIf(skip)('keeps the token on the same origin, and tells the caller where it ended', async () => {
    const server = await startServer(redirecting({ '/a': '/b', '/b': '/c?d' }))
    const response = await (await create(server.origin))(`${server.origin}/a`)
    expect(await response.text()).toBe('arrived')
    expect(response).toMatchObject({ redirected: true, url: `${server.origin}/c?d`, status: 200 })
    expect(tokens(server)).toEqual([value, value, value])
  })

  it.skipIf(skip)('never takes the token to another origin, nor back from there', async () => {
    const listed = await startServer(({ path }, _request, response) => {
      if (path === '/back') return response.end('arrived')
      response.writeHead(302, { location: `${foreign.origin}/x` }).end('moved')
    })
    const foreign = await startServer((_seen, _request, response) =>
      response.writeHead(302, { location: `${listed.origin}/back` }).end('moved'),
    )
    const response = await (await create(listed.origin))(listed.origin)
    expect(await response.text()).toBe('arrived')
    expect(response).toMatchObject({ redirected: true, url: `${listed.origin}/back` })
    expect(tokens(foreign)).toEqual([undefined])
    expect(tokens(listed)).toEqual([value, undefined])
  })

  it.skipIf(skip)('gives the token anew to another listed origin', async () => {
    const second = await startServer()
    const first = await startServer(redirecting({ '/': `${second.origin}/x` }))
    const response = await (await create(first.origin, second.origin))(first.origin)
    expect(await response.text()).toBe('ok')
    expect([...tokens(first), ...tokens(second)]).toEqual([value, value])
  })

  it.skipIf(skip)('does not bring a token into a chain that began elsewhere', async () => {
    const listed = await startServer()
    const foreign = await startServer(redirecting({ '/': `${listed.origin}/x` }))
    await (await create(listed.origin))(foreign.origin)
    expect([...tokens(foreign), ...tokens(listed)]).toEqual([undefined, undefined])
  })

  it.skipIf(skip)("is the caller's with the mode manual, and an error with the mode error", async () => {
    const server = await startServer(redirecting({ '/': '/x' }))
    const authFetch = await create(server.origin)
    const response = await authFetch(server.origin, { redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([302, '/x'])
    await expect(authFetch(server.origin, { redirect: 'error' })).rejects.toThrow(TypeError)
    expect(tokens(server)).toEqual([value, value])
  })

  it.skipIf(skip)("loses the caller's credentials for the first origin as in fetch", async () => {
    const second = await startServer()
    const first = await startServer(redirecting({ '/': `${second.origin}/x` }))
    const own = header === 'authorization' ? {} : { authorization: 'Basic own' }
    const headers = { ...own, cookie: 'a=1', 'x-own': '1' }
    await (await create(first.origin, second.origin))(first.origin, { headers })
    expect(first.seen[0]?.headers).toMatchObject(headers)
    expect(second.seen[0]?.headers).not.toHaveProperty('cookie')
    expect(second.seen[0]?.headers.authorization).not.toBe('Basic own')
    expect(second.seen[0]?.headers).toMatchObject({ 'x-own': '1' })
  })
})

describe.each(fetches)('a followed redirect through $name', ({ skip, load }) => {
  /** What arrives after a redirect, by fetch alone and by the wrapper around it. */
  const compare = async (status: number, init: () => RequestInit) => {
    const fetch = await load()
    const arrivals = []
    for (const wrap of [false, true]) {
      const { origin, seen } = await startServer(redirecting({ '/': [status, '/x'] }))
      const send = wrap ? createAuthFetch(createScriptedProvider('t1'), { origins: origin, fetch }) : fetch
      const response = await send(origin, init())
      const { method, body, headers } = seen[1] as (typeof seen)[number]
      const { authorization, host, ...rest } = headers
      arrivals.push({ method, body, headers: rest, status: response.status, redirected: response.redirected })
    }
    return arrivals
  }

  it
    .skipIf(skip)
    .each(
      [301, 302, 303, 307, 308].flatMap((status) =>
        ['GET', 'HEAD', 'POST', 'PUT'].map((m) => [status, m] as const),
      ),
    )('with status %i treats %s as fetch does', async (status, method) => {
    const withBody = method === 'POST' || method === 'PUT'
    const headers = withBody ? { 'content-type': 'text/x', 'content-language': 'de' } : { 'x-own': '1' }
    const [alone, wrapped] = await compare(status, () => ({
      method,
      headers,
      ...(withBody && { body: 'hello' }),
    }))
    expect(wrapped).toEqual(alone)
  })
})

describe('a redirect', () => {
  const create = (...origins: string[]) => createAuthFetch(createScriptedProvider('t1', 't2'), { origins })

  it.each([307, 308])(
    'with status %i is refused when the body is a stream, which is not buffered',
    async (status) => {
      const { origin, seen } = await startServer(redirecting({ '/': [status, '/x'] }))
      const body = () => new Blob(['b']).stream()
      const stream = create(origin)(origin, { method: 'POST', body: body(), duplex: 'half' } as RequestInit)
      await expect(stream).rejects.toThrow(new TypeError('fetch failed'))
      const request = create(origin)(new Request(origin, { method: 'POST', body: 'b' }))
      await expect(request).rejects.toMatchObject({ cause: { code: 'ERR_FETCH_REDIRECT' } })
      expect(seen).toHaveLength(2)
    },
  )

  it('with status 303 is followed without the stream', async () => {
    const { origin, seen } = await startServer(redirecting({ '/': [303, '/x'] }))
    const response = await create(origin)(new Request(origin, { method: 'POST', body: 'b' }))
    expect(await response.text()).toBe('arrived')
    expect(seen[1]).toMatchObject({ method: 'GET', body: '' })
  })

  it.each([
    ['to another scheme', 'ftp://127.0.0.1/'],
    ['to nowhere', 'http://'],
    ['with credentials', 'http://user:s3cret@127.0.0.1/'],
  ])('%s is refused, without quoting it', async (_what, location) => {
    const { origin } = await startServer(redirecting({ '/': location }))
    const failure = await create(origin)(origin).catch((error) => error)
    expect(failure).toBeInstanceOf(TypeError)
    expect(failure.cause).toMatchObject({ code: 'ERR_FETCH_REDIRECT' })
    expect(failure.cause.message).not.toContain('s3cret')
  })

  it('is followed 20 times at most', async () => {
    const { origin, seen } = await startServer(redirecting({ '/': '/' }))
    await expect(create(origin)(origin)).rejects.toMatchObject({
      cause: { message: expect.stringContaining('20') },
    })
    expect(seen).toHaveLength(21)
  })

  it('without Location is a response like any other', async () => {
    const { origin } = await startServer((_seen, _request, response) => response.writeHead(302).end('where?'))
    const response = await create(origin)(origin)
    expect([response.status, response.redirected, await response.text()]).toEqual([302, false, 'where?'])
  })

  it('reads a Location in UTF-8', async () => {
    const { origin, seen } = await startServer(redirecting({ '/': Buffer.from('/ü').toString('latin1') }))
    await create(origin)(origin)
    expect(seen[1]?.path).toBe('/%C3%BC')
  })

  it('carries what a Request said to the next URL', async () => {
    const { origin, seen } = await startServer(redirecting({ '/': [308, '/x'] }))
    const headers = { 'x-own': '1' }
    await create(origin)(new Request(origin, { method: 'DELETE', headers }), { headers: { 'x-other': '2' } })
    expect(seen[1]).toMatchObject({
      method: 'DELETE',
      headers: { 'x-other': '2', authorization: 'Bearer t1' },
    })
  })

  it('may lead to one retry in the whole chain', async () => {
    const { origin, seen } = await startServer((seen, request, response) => {
      if (seen.path === '/x') return accepting('Bearer t3')(seen, request, response)
      if (seen.headers.authorization !== 'Bearer t2') return response.writeHead(401).end()
      response.writeHead(302, { location: '/x' }).end()
    })
    const provider = createScriptedProvider('t1', 't2', 't3')
    const response = await createAuthFetch(provider, { origins: origin })(origin)
    expect([response.status, await response.text()]).toEqual([401, 'who are you?'])
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer t1', 'Bearer t2', 'Bearer t2'])
    expect(provider.invalidated).toEqual(['t1', 't2'])
  })
})
