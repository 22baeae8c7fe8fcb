import { request as httpRequest } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createListedProvider, startProxy, startUpstream } from './support/proxy-harness.js'
import { bodyOf, exchangeRaw, requestRaw, statusOf } from './support/proxy-raw.js'

const codeOf = (response: string) => JSON.parse(bodyOf(response)).code

describe('the target of a request', () => {
  it.each([
    'http://evil.example/',
    'http://evil.example',
    'https://evil.example/a',
    '//evil.example/a',
    '/\\evil.example/a',
    '/%5cevil.example/a',
    '/%2fevil.example/a',
    '\\\\evil.example\\a',
    '/..',
    '/../other',
    '/a/../../other',
    '/%2e%2e/other',
    '/%2E./other',
    '/a/..%2f..%2fother',
    '/a%2f..%2f..%2fother',
    '/a\\..\\..\\other',
    '/...',
    '/a../b',
    '/%zz',
    '/a#b',
    '*',
    'a',
    '@evil.example/',
    ':80@evil.example/',
    '.evil.example/',
  ])('%s is refused', async (target) => {
    const upstream = await startUpstream()
    for (const base of ['', '/base', '/base/']) {
      const proxy = await startProxy(upstream.origin + base, createListedProvider('one'))
      const response = await requestRaw(proxy.port, `OPTIONS ${target} HTTP/1.1`)
      expect(statusOf(response)).toBe(400)
      // Node's parser answers the others without a body.
      if (/^[/*h]/.test(target)) expect(codeOf(response)).toBe('ERR_PROXY_TARGET')
    }
    expect(upstream.seen).toEqual([])
  })

  it.each([
    ['/', '/'],
    ['/?a=//b/../c#'.slice(0, -1), '/?a=//b/../c'],
    ['/a/./b', '/a/b'],
    ['/a//b/', '/a//b/'],
    ['/a%2Fb%3Fc', '/a%2Fb%3Fc'],
    ['/a;b=c:d@e', '/a;b=c:d@e'],
    ['/a?%zz&x=%E4', '/a?%zz&x=%E4'],
    ['/%C3%A4/.a..b.', '/%C3%A4/.a..b.'],
    [`/${'x'.repeat(2000)}`, `/${'x'.repeat(2000)}`],
  ])('%s stays below the base path', async (target, expected) => {
    const upstream = await startUpstream()
    for (const base of ['', '/base', '/base/deep/']) {
      const proxy = await startProxy(upstream.origin + base, createListedProvider('one'))
      expect(statusOf(await requestRaw(proxy.port, `GET ${target} HTTP/1.1`))).toBe(200)
      expect(upstream.seen.at(-1)?.path).toBe(base.replace(/\/$/, '') + expected)
    }
  })

  it('does not begin with two slashes when its dots are gone', async () => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await requestRaw(proxy.port, 'GET /.//evil.example/ HTTP/1.1')
    expect([statusOf(response), codeOf(response)]).toEqual([400, 'ERR_PROXY_TARGET'])
    expect(upstream.seen).toEqual([])
  })

  it('is never a tunnel', async () => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const target = new URL(upstream.origin).host
    const response = await exchangeRaw(proxy.port, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
    expect(statusOf(response)).toBe(405)
    expect(upstream.seen).toEqual([])
  })
})

describe('the method of a request', () => {
  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'REPORT', 'PURGE'])(
    '%s is passed on',
    async (method) => {
      const upstream = await startUpstream()
      const proxy = await startProxy(upstream.origin, createListedProvider('one'))
      expect(statusOf(await requestRaw(proxy.port, `${method} /a HTTP/1.1`))).toBe(200)
      expect(upstream.seen[0]).toMatchObject({ method, path: '/a' })
    },
  )

  it('TRACE is not: its answer would show the token', async () => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await requestRaw(proxy.port, 'TRACE / HTTP/1.1')
    expect([statusOf(response), codeOf(response)]).toEqual([405, 'ERR_PROXY_METHOD'])
    expect(upstream.seen).toEqual([])
  })

  it.each(['GET', 'HEAD'])('a %s with a body is refused, rather than sent without it', async (method) => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await requestRaw(proxy.port, `${method} / HTTP/1.1`, ['Content-Length: 2'], '{}')
    expect(statusOf(response)).toBe(400)
    expect(upstream.seen).toEqual([])
  })
})

describe('header fields', () => {
  it('of the connection go no further, in either direction', async () => {
    const upstream = await startUpstream((_seen, _request, response) => {
      response.writeHead(200, [
        ['Connection', 'x-upstream-hop, keep-alive'],
        ['X-Upstream-Hop', '1'],
        ['Keep-Alive', 'timeout=7'],
        ['Proxy-Authenticate', 'Basic'],
        ['Trailer', 'x-trailer'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['X-Kept', 'yes'],
      ] as never)
      response.end('ok')
    })
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await exchangeRaw(
      proxy.port,
      [
        'POST / HTTP/1.1',
        'Host: localhost',
        'Connection: close, X-Hop, TE',
        'X-Hop: 1',
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic abc',
        'TE: trailers',
        'Trailer: X-Later',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
        'X-Kept: yes',
        'X-Forwarded-For: 10.0.0.1',
        'Transfer-Encoding: chunked',
        '',
        '2\r\nhi\r\n0\r\nX-Later: 1\r\n\r\n',
      ].join('\r\n'),
    )
    const { headers, body } = upstream.seen[0] as (typeof upstream.seen)[0]
    expect(String(body)).toBe('hi')
    expect(headers).toMatchObject({ 'x-kept': 'yes', 'x-forwarded-for': '10.0.0.1' })
    for (const name of ['x-hop', 'proxy-connection', 'proxy-authorization', 'te', 'trailer', 'upgrade']) {
      expect(headers).not.toHaveProperty(name)
    }
    expect(headers).not.toHaveProperty('keep-alive')
    expect(headers).not.toHaveProperty('http2-settings')
    expect(statusOf(response)).toBe(200)
    expect(response).toMatch(/set-cookie: a=1\r\nset-cookie: b=2/i)
    expect(response).toMatch(/x-kept: yes/i)
    expect(response).not.toMatch(/x-upstream-hop|timeout=7|proxy-authenticate|trailer/i)
  })

  it('none about the client is added', async () => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    await requestRaw(proxy.port, 'GET / HTTP/1.1')
    expect(Object.keys(upstream.seen[0]?.headers ?? {}).sort()).toEqual([
      'authorization',
      'connection',
      'host',
    ])
  })

  it('are all judged, however many there are', async () => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const many = Array.from({ length: 2_500 }, () => 'a:')
    const refused = await requestRaw(proxy.port, 'GET / HTTP/1.1', [...many, 'Origin: http://evil.example'])
    expect([statusOf(refused), codeOf(refused)]).toEqual([403, 'ERR_PROXY_ORIGIN'])
    expect(upstream.seen).toEqual([])
    const passed = await requestRaw(proxy.port, 'GET / HTTP/1.1', [...many, 'X-Hop: 1', 'Connection: X-Hop'])
    expect(statusOf(passed)).toBe(200)
    expect(upstream.seen[0]?.headers).not.toHaveProperty('x-hop')
  })

  it('a body that is coded for this connection is not passed on as if it were not', async () => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const send = (coding: string) =>
      requestRaw(proxy.port, 'POST / HTTP/1.1', [`Transfer-Encoding: ${coding}`], '4\r\nbody\r\n0\r\n\r\n')
    const refused = await send('gzip, chunked')
    expect([statusOf(refused), codeOf(refused)]).toEqual([400, 'ERR_PROXY_REQUEST'])
    expect(upstream.seen).toEqual([])
    expect(statusOf(await send('Chunked'))).toBe(200)
  })

  it('Expect: 100-continue is answered here', async () => {
    const upstream = await startUpstream((seen, _request, response) => response.end(seen.body))
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const answer = await new Promise<string>((resolve, reject) => {
      const headers = { expect: '100-continue', 'content-length': '4' }
      const request = httpRequest(proxy.origin, { method: 'POST', headers }, async (response) => {
        let text = ''
        for await (const chunk of response) text += chunk
        resolve(text)
      })
      request.once('continue', () => request.end('body'))
      request.once('error', reject)
      request.flushHeaders()
    })
    expect(answer).toBe('body')
    expect(upstream.seen[0]?.headers).not.toHaveProperty('expect')
  })

  it.each([
    ['both lengths', ['Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['two lengths', ['Content-Length: 4', 'Content-Length: 5'], 'abcd'],
    ['an unknown coding', ['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'],
    ['a folded line', ['X-A: 1', ' Content-Length: 4'], ''],
  ])('that disagree are refused: %s', async (_name, fields, body) => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    expect(statusOf(await requestRaw(proxy.port, 'POST / HTTP/1.1', fields, body))).toBe(400)
    expect(upstream.seen).toEqual([])
  })
})

describe('a response', () => {
  it.each([204, 304, 404, 503])('of status %i arrives as it is, once', async (status) => {
    const upstream = await startUpstream((_seen, _request, response) =>
      response.writeHead(status, { 'retry-after': '7', etag: '"a"' }).end(),
    )
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await fetch(proxy.origin)
    expect(response.status).toBe(status)
    expect(response.headers.get('retry-after')).toBe('7')
    expect(response.headers.get('etag')).toBe('"a"')
    expect(upstream.seen.length).toBe(1)
  })

  it('of status 304 may tell the length that another would have', async () => {
    const upstream = await startUpstream((_seen, _request, response) =>
      response.writeHead(304, { 'content-length': '1234', etag: '"a"' }).end(),
    )
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    for (let turn = 0; turn < 5; turn++) {
      const response = await fetch(proxy.origin)
      expect([response.status, response.headers.get('content-length')]).toEqual([304, '1234'])
      expect(await response.text()).toBe('')
    }
  })

  it.each([
    ['latin1', Buffer.from([0x61, 0xe9, 0x62])],
    ['UTF-8', Buffer.from('日本')],
  ])('keeps the bytes of a field in %s, as a request does', async (_name, bytes) => {
    const value = bytes.toString('latin1')
    const upstream = await startUpstream(({ headers }, _request, response) =>
      response.writeHead(200, { 'x-answer': String(headers['x-question']) }).end(),
    )
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await requestRaw(proxy.port, 'GET / HTTP/1.1', [`X-Question: ${value}`])
    expect(/^x-answer: (.*)\r$/im.exec(response)?.[1]).toBe(value)
    expect(upstream.seen[0]?.headers['x-question']).toBe(value)
  })

  it('to a HEAD keeps its length', async () => {
    const upstream = await startUpstream((_seen, _request, response) =>
      response.writeHead(200, { 'content-length': '1234' }).end(),
    )
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await fetch(proxy.origin, { method: 'HEAD' })
    expect(response.headers.get('content-length')).toBe('1234')
  })

  it('keeps its encoding', async () => {
    const bytes = Buffer.from([0x1f, 0x8b, 0, 255])
    const upstream = await startUpstream((_seen, _request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/plain' }).end(bytes),
    )
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await requestRaw(proxy.port, 'GET / HTTP/1.1')
    expect(response).toMatch(/content-encoding: gzip/i)
    expect(response).toContain(bytes.toString('latin1'))
  })
})

describe('a body', () => {
  it.each(['text/plain', 'application/json; charset=utf-8', 'multipart/form-data; boundary=x', '', 'broken'])(
    'of type "%s" arrives byte for byte, with its type',
    async (type) => {
      const upstream = await startUpstream((seen, _request, response) => response.end(seen.body))
      const proxy = await startProxy(upstream.origin, createListedProvider('one'))
      const bytes = Uint8Array.from({ length: 512 }, (_, index) => index % 256)
      for (const times of [1, 1_000]) {
        const body = Buffer.concat(Array.from({ length: times }, () => bytes))
        const response = await fetch(proxy.origin, {
          method: 'POST',
          body,
          headers: { 'content-type': type },
        })
        expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true)
        expect(upstream.seen.at(-1)?.headers['content-type']).toBe(type)
        expect(upstream.seen.at(-1)?.headers['content-length']).toBe(String(body.length))
      }
    },
  )
})
