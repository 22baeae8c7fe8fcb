import { describe, expect, it } from 'vitest'
import {
  accepting,
  createListedProvider,
  eventually,
  startProxy,
  startUpstream,
} from './support/proxy-harness.js'
import { requestRaw, statusOf } from './support/proxy-raw.js'

describe('the token', () => {
  it('goes along with every request', async () => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await fetch(`${proxy.origin}/v1/things?a=1&a=2%20b`)
    expect(await response.text()).toBe('ok')
    expect(upstream.seen[0]).toMatchObject({ method: 'GET', path: '/v1/things?a=1&a=2%20b' })
    expect(upstream.seen[0]?.headers).toMatchObject({
      authorization: 'Bearer one',
      host: new URL(upstream.origin).host,
    })
    await eventually(() => proxy.records).toMatchObject([{ status: 200, retried: false }])
  })

  it('goes bare in another header, as Vault has it', async () => {
    const upstream = await startUpstream()
    const provider = createListedProvider('s.one')
    const proxy = await startProxy(upstream.origin, provider, {
      kind: 'vault',
      header: 'X-Vault-Token',
      scheme: '',
    })
    await fetch(`${proxy.origin}/v1/secret/data/app`, { headers: { authorization: 'Basic own' } })
    expect(upstream.seen[0]?.headers).toMatchObject({
      'x-vault-token': 's.one',
      authorization: 'Basic own',
    })
  })

  it("gives way to the client's own header", async () => {
    const upstream = await startUpstream(accepting('Bearer one'))
    const provider = createListedProvider('one')
    const proxy = await startProxy(upstream.origin, provider)
    const response = await fetch(proxy.origin, { headers: { authorization: 'Bearer own' } })
    expect(response.status).toBe(401)
    expect(upstream.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer own'])
    expect(provider.invalidated).toEqual([])
  })

  it("takes the place of the client's own header where it is told to", async () => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'), { clientHeader: 'replace' })
    await fetch(proxy.origin, { headers: { authorization: 'Bearer own' } })
    expect(upstream.seen[0]?.headers.authorization).toBe('Bearer one')
  })

  it.each(['keep', 'replace'] as const)('takes the place of an empty header: %s', async (clientHeader) => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'), { clientHeader })
    await requestRaw(proxy.port, 'GET / HTTP/1.1', ['Authorization:'])
    expect(upstream.seen[0]?.headers.authorization).toBe('Bearer one')
  })

  it.each([
    ['keep', 'Bearer first'],
    ['replace', 'Bearer one'],
  ] as const)('is sent once, however often the client sends its own: %s', async (clientHeader, expected) => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'), { clientHeader })
    const fields = ['Authorization: Bearer first', 'AUTHORIZATION: Bearer second']
    await requestRaw(proxy.port, 'GET / HTTP/1.1', fields)
    const raw = upstream.seen[0]?.rawHeaders ?? []
    expect(raw.filter((_, index) => raw[index - 1]?.toLowerCase() === 'authorization')).toEqual([expected])
  })

  it('does not follow a redirect', async () => {
    const elsewhere = await startUpstream()
    const upstream = await startUpstream((_seen, _request, response) =>
      response.writeHead(307, { location: `${elsewhere.origin}/x` }).end(),
    )
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await fetch(proxy.origin, { redirect: 'manual' })
    expect(response.status).toBe(307)
    expect(response.headers.get('location')).toBe(`${elsewhere.origin}/x`)
    expect(elsewhere.seen).toEqual([])
  })

  it('of a client that named it in Connection is ours', async () => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const fields = ['Authorization: Bearer own', 'Connection: authorization']
    await requestRaw(proxy.port, 'GET / HTTP/1.1', fields)
    expect(upstream.seen[0]?.headers.authorization).toBe('Bearer one')
  })
})

describe('without a valid token', () => {
  it('nothing is sent, and the answer is 503', async () => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider())
    const response = await fetch(proxy.origin, { method: 'POST', body: 'x' })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    const body = await response.text()
    expect(JSON.parse(body)).toMatchObject({ code: 'ERR_PROXY_NO_TOKEN' })
    expect(body).not.toContain('/secret/path')
    expect(upstream.seen).toEqual([])
    await eventually(() => proxy.records).toMatchObject([{ status: 503, retried: false }])
  })

  it("a request with the client's own header passes", async () => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider())
    const response = await fetch(proxy.origin, { headers: { authorization: 'Bearer own' } })
    expect(response.status).toBe(200)
  })
})

describe('after a 401', () => {
  it.each([
    ['GET', undefined],
    ['DELETE', undefined],
    ['POST', 'a small body'],
    ['PUT', 'x'.repeat(65_536)],
  ])('a %s is sent again with another token', async (method, body) => {
    const upstream = await startUpstream(accepting('Bearer two'))
    const provider = createListedProvider('one', 'two')
    const proxy = await startProxy(upstream.origin, provider)
    const response = await fetch(proxy.origin, { method, ...(body === undefined ? {} : { body }) })
    expect(response.status).toBe(200)
    expect(await response.text()).toBe(`welcome ${body ?? ''}`)
    expect(provider.invalidated).toEqual(['one'])
    expect(upstream.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer one', 'Bearer two'])
    await eventually(() => proxy.records).toMatchObject([{ status: 200, retried: true }])
  })

  it('a streamed body is not sent again, but the next request has another token', async () => {
    const upstream = await startUpstream(accepting('Bearer two'))
    const proxy = await startProxy(upstream.origin, createListedProvider('one', 'two'))
    const stream = new Blob(['streamed']).stream()
    const refused = await fetch(proxy.origin, { method: 'POST', body: stream, duplex: 'half' } as RequestInit)
    expect(refused.status).toBe(401)
    expect(await refused.text()).toBe('who are you?')
    expect((await fetch(proxy.origin)).status).toBe(200)
    await eventually(() => proxy.records).toMatchObject([
      { status: 401, retried: false },
      { status: 200, retried: false },
    ])
  })

  it('the client gets it when there is no other token', async () => {
    const upstream = await startUpstream(accepting())
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await fetch(proxy.origin)
    expect(response.status).toBe(401)
    expect(await response.text()).toBe('who are you?')
    expect(upstream.seen.length).toBe(1)
  })

  it('it is tried once', async () => {
    const upstream = await startUpstream(accepting())
    const proxy = await startProxy(upstream.origin, createListedProvider('one', 'two', 'three'))
    expect((await fetch(proxy.origin)).status).toBe(401)
    expect(upstream.seen.length).toBe(2)
  })
})

describe('a token', () => {
  it('is in no line of the log, and no error', async () => {
    const upstream = await startUpstream((_seen, request, response) => {
      if (request.url === '/echo') response.socket?.end(`${request.headers.authorization}\r\n\r\n`)
      else response.socket?.destroy()
    })
    const proxy = await startProxy(upstream.origin, createListedProvider('secret-value'))
    for (const path of ['/echo', '/reset']) {
      const response = await fetch(`${proxy.origin}${path}`, { method: 'POST', body: 'x' })
      expect(statusOf(`HTTP/1.1 ${response.status}`)).toBe(502)
      expect(await response.text()).not.toContain('secret-value')
    }
    expect(proxy.lines.length).toBeGreaterThan(0)
    expect(proxy.lines.join()).not.toContain('secret-value')
  })
})
