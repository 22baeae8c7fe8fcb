import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer, type Socket } from 'node:net'
import { createFakeClock } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createCertificate } from '../../../test/support/certificates.js'
import { createProxy } from '../src/proxy/create-proxy.js'
import {
  createListedProvider,
  eventually,
  listen,
  startProxy,
  startUpstream,
} from './support/proxy-harness.js'
import { createCapturedLog } from './support/proxy-log.js'
import { openWebSocket, refused } from './support/proxy-upgrade.js'

async function answerOf(upstream: string, spec: Parameters<typeof startProxy>[2] = {}, path = '/') {
  const proxy = await startProxy(upstream, createListedProvider('secret-value'), spec)
  const response = await fetch(proxy.origin + path, { method: 'POST', body: 'x' })
  const text = await response.text()
  const { hostname, port } = new URL(upstream)
  expect(text).not.toContain(port === '' ? hostname : port)
  expect(proxy.lines.join()).not.toContain('secret-value')
  await eventually(() => proxy.records.length).toBe(1)
  return [response.status, JSON.parse(text).code]
}

/** A server of bytes: what happens to a connection is the test's matter. */
async function startRawUpstream(onConnection: (socket: Socket) => unknown) {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}))
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

describe('an upstream', () => {
  it('that is not there is a 502', async () => {
    const { origin, server } = await startUpstream()
    await new Promise((resolve) => server.close(resolve))
    expect(await answerOf(origin)).toEqual([502, 'ERR_PROXY_UPSTREAM_CONNECT'])
  })

  it('whose name does not exist is a 502', async () => {
    expect(await answerOf('http://nowhere.invalid')).toEqual([502, 'ERR_PROXY_UPSTREAM_CONNECT'])
  })

  it('that resets the connection is a 502', async () => {
    const origin = await startRawUpstream((socket) => socket.once('data', () => socket.resetAndDestroy()))
    expect(await answerOf(origin)).toEqual([502, 'ERR_PROXY_UPSTREAM_RESET'])
  })

  it('that does not speak HTTP is a 502', async () => {
    const origin = await startRawUpstream((socket) => socket.once('data', () => socket.write('SSH-2.0\r\n')))
    expect(await answerOf(origin)).toEqual([502, 'ERR_PROXY_UPSTREAM_INVALID'])
  })

  it.each([
    ['a status that is none', 'HTTP/1.1 700 Odd\r\nContent-Length: 2\r\n\r\nhi'],
    [
      'a body that is coded otherwise than in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
    ],
  ])('that answers with %s is a 502, also to an upgrade', async (_what, bytes) => {
    const origin = await startRawUpstream((socket) => socket.on('data', () => socket.write(bytes)))
    const proxy = await startProxy(origin, createListedProvider('one'))
    const response = await fetch(proxy.origin)
    expect([response.status, await response.json()]).toMatchObject([
      502,
      { code: 'ERR_PROXY_UPSTREAM_INVALID' },
    ])
    // The first line says where it listens.
    expect(proxy.lines.slice(1).map((line) => JSON.parse(line).msg)).toEqual(['response errored'])
    const [status, body] = await refused(openWebSocket(proxy.origin))
    expect([status, JSON.parse(body).code]).toEqual([502, 'ERR_PROXY_UPSTREAM_INVALID'])
  })

  it.each([
    [
      'in chunks, in two fields',
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
      '2\r\nhi\r\n0\r\n\r\n',
    ],
    ['as it is', 'Transfer-Encoding: identity', 'hi'],
  ])('that answers with a body which is said to come %s is passed on', async (_what, header, body) => {
    const origin = await startRawUpstream((socket) =>
      socket.once('data', () =>
        socket.end(`HTTP/1.1 200 OK\r\n${header}\r\nConnection: close\r\n\r\n${body}`),
      ),
    )
    const proxy = await startProxy(origin, createListedProvider('one'))
    const response = await fetch(proxy.origin)
    expect([response.status, await response.text()]).toEqual([200, 'hi'])
  })

  it('that does not answer in time is a 504', async () => {
    const origin = await startRawUpstream((socket) => socket.resume())
    expect(await answerOf(origin, { headersTimeoutMs: 1 })).toEqual([504, 'ERR_PROXY_UPSTREAM_TIMEOUT'])
  })

  it('whose authority is not known is a 502, and no request reaches it', async () => {
    const { certPem, keyPem } = await createCertificate()
    let requests = 0
    const server = createHttpsServer({ cert: certPem, key: keyPem }, (_request, response) => {
      requests++
      response.end()
    })
    const { origin } = await listen(server as never, 'https')
    expect(await answerOf(origin)).toEqual([502, 'ERR_PROXY_UPSTREAM_TLS'])
    expect(await answerOf(origin, { ca: (await createCertificate()).caPem })).toEqual([
      502,
      'ERR_PROXY_UPSTREAM_TLS',
    ])
    expect(requests).toBe(0)
  })

  it('that has no TLS where it should is a 502', async () => {
    const { origin } = await startUpstream()
    expect(await answerOf(origin.replace('http', 'https'))).toEqual([502, 'ERR_PROXY_UPSTREAM_TLS'])
  })
})

/** Interim responses without end, from the first byte of a request on. */
function startHinting(onData: (received: string, socket: Socket) => void = () => {}) {
  let hints = 0
  const origin = startRawUpstream((socket) => {
    let received = ''
    const hint = () => {
      hints++
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n')
    }
    socket.on('data', (chunk) => {
      if (received === '') {
        const timer = setInterval(hint, 20)
        socket.once('close', () => clearInterval(timer))
      }
      received += chunk
      onData(received, socket)
    })
  })
  return { origin, hints: () => hints }
}

describe('an upstream that sends interim responses without end', () => {
  it('is a 504 when its time is over, and its connection is closed', async () => {
    let upstreamSocket: Socket | undefined
    const upstream = startHinting((_received, socket) => {
      upstreamSocket = socket
    })
    const clock = createFakeClock()
    const proxy = await startProxy(await upstream.origin, createListedProvider('one'), { clock })
    const answer = fetch(proxy.origin)
    await eventually(upstream.hints).toBeGreaterThan(3)
    await clock.advance(59_000)
    const before = upstream.hints()
    await eventually(upstream.hints).toBeGreaterThan(before + 3)
    expect(proxy.records).toEqual([])
    await clock.advance(1_000)
    const response = await answer
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      504,
      'ERR_PROXY_UPSTREAM_TIMEOUT',
    ])
    await eventually(() => upstreamSocket?.destroyed).toBe(true)
    expect(clock.pendingTimers).toBe(0)
  })

  it('has its time from the end of an upload on', async () => {
    const upstream = startHinting((received, socket) => {
      if (received.endsWith('\r\n0\r\n\r\n')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    const clock = createFakeClock()
    const proxy = await startProxy(await upstream.origin, createListedProvider('one'), { clock })
    const outgoing = request(proxy.origin, { method: 'POST' })
    const answered = once(outgoing, 'response')
    outgoing.write('begun')
    await eventually(upstream.hints).toBeGreaterThan(3)
    await clock.advance(600_000)
    expect(proxy.records).toEqual([])
    outgoing.end('ended')
    const [response] = (await answered) as [IncomingMessage]
    response.resume()
    expect(response.statusCode).toBe(200)
    await eventually(() => clock.pendingTimers).toBe(0)
  })

  it('does not keep a web socket waiting for longer', async () => {
    const upstream = startHinting()
    const clock = createFakeClock()
    const proxy = await startProxy(await upstream.origin, createListedProvider('one'), { clock })
    const answer = refused(openWebSocket(proxy.origin))
    await eventually(upstream.hints).toBeGreaterThan(3)
    await clock.advance(60_000)
    expect((await answer)[0]).toBe(504)
  })
})

describe('a client', () => {
  it('that asks for h2c is answered in HTTP/1.1, body and all', async () => {
    const upstream = await startUpstream((seen, _request, response) => response.end(seen.body))
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const socket = connect(proxy.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    const fields = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAEAAEAAAAIAAAAB']
    socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\n${fields.join('\r\n')}\r\nContent-Length: 4\r\n\r\n`)
    socket.write('body')
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    await eventually(() => received).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*body/)
    expect(upstream.seen[0]?.headers).not.toHaveProperty('upgrade')
  })
})

describe('a proxy', () => {
  it.each([
    ['ftp://a', {}],
    ['http://user:password@a', {}],
    ['http://a/?q', {}],
    ['http://a/#f', {}],
    ['http://a', { header: 'host' }],
    ['http://a', { header: 'connection' }],
    ['http://a', { scheme: 'a b' }],
  ])('is not made for %s %j', async (upstream, rest) => {
    const spec = { name: 'a', upstream: new URL(upstream), header: 'authorization', scheme: 'Bearer' }
    const source = { kind: 'projected', name: 'a', provider: createListedProvider('one') } as never
    const proxy = createProxy({ ...spec, clientHeader: 'keep', ...rest }, source, createCapturedLog())
    await expect(proxy).rejects.toThrow(TypeError)
  })
})

describe('when the proxy closes', () => {
  it('a response under way is finished first, and the connection not kept', async () => {
    let finish = () => {}
    const upstream = await startUpstream((_seen, request, response) => {
      if (request.url === '/fast') return response.end('fast')
      response.write('begun ')
      finish = () => response.end('finished')
    })
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await fetch(`${proxy.origin}/slow`)
    expect(await (await fetch(`${proxy.origin}/fast`)).text()).toBe('fast')
    let isClosed = false
    const closing = proxy.app.close().then(() => {
      isClosed = true
    })
    const ask = () =>
      fetch(`${proxy.origin}/fast`).then(
        (answer) => answer.headers.get('connection'),
        () => 'refused',
      )
    await eventually(ask).toBe('refused')
    expect(isClosed).toBe(false)
    finish()
    expect(await response.text()).toBe('begun finished')
    await closing
    const countConnections = () =>
      new Promise((resolve) => upstream.server.getConnections((_error, count) => resolve(count)))
    await eventually(countConnections).toBe(0)
  })

  it('and is not given the time, connections are cut', async () => {
    const upstream = await startUpstream((_seen, _request, response) => response.write('begun '))
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await fetch(proxy.origin)
    const closing = proxy.app.close()
    proxy.app.server.closeAllConnections()
    await closing
    await expect(response.text()).rejects.toThrow()
  })
})
