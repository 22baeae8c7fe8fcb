import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Agent, createServer as createHttpServer, get, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer, type Socket } from 'node:net'
import { createFakeClock } from '@projected-token/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { createCertificate } from '../../../test/support/certificates.js'
import { createListedProvider, eventually, listen, startProxy } from './support/proxy-harness.js'
import { bodyOf, exchangeRaw, statusOf } from './support/proxy-raw.js'
import {
  closed,
  message,
  opened,
  openWebSocket,
  refused,
  startWebSocketUpstream,
} from './support/proxy-upgrade.js'

vi.setConfig({ testTimeout: 120_000 })

/** RFC 6455, section 1.3. */
const WEB_SOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const connection = async (upstream: Awaited<ReturnType<typeof startWebSocketUpstream>>) =>
  (await once(upstream.server, 'connection'))[0] as WebSocket

describe('a web socket', () => {
  it('is opened with the token, and passes messages both ways', async () => {
    const upstream = await startWebSocketUpstream()
    const proxy = await startProxy(`${upstream.origin}/base`, createListedProvider('one'))
    const accepted = once(upstream.server, 'connection')
    const client = openWebSocket(`${proxy.origin}/chat?room=1`, [], { headers: { cookie: 'a=1' } })
    const [server, request] = await accepted
    expect(request.url).toBe('/base/chat?room=1')
    expect(request.headers).toMatchObject({
      authorization: 'Bearer one',
      cookie: 'a=1',
      host: new URL(upstream.origin).host,
    })
    await opened(client)
    server.send('from the server')
    expect(String((await message(client))[0])).toBe('from the server')
    client.send(Buffer.from([1, 2, 3]))
    expect(await message(server)).toEqual([Buffer.from([1, 2, 3]), true])
    expect(proxy.records).toMatchObject([{ status: 101, retried: false }])
  })

  it('is opened with a fresh token each time', async () => {
    const upstream = await startWebSocketUpstream()
    const provider = createListedProvider('one', 'two')
    const proxy = await startProxy(upstream.origin, provider)
    await opened(openWebSocket(proxy.origin))
    provider.invalidate(provider.current as never)
    await opened(openWebSocket(proxy.origin))
    expect(upstream.seen.map((headers) => headers.authorization)).toEqual(['Bearer one', 'Bearer two'])
  })

  it.each([
    ['keep', 'Bearer own'],
    ['replace', 'Bearer one'],
  ] as const)("treats the client's own header as it is told: %s", async (clientHeader, expected) => {
    const upstream = await startWebSocketUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'), { clientHeader })
    await opened(openWebSocket(proxy.origin, [], { headers: { authorization: 'Bearer own' } }))
    expect(upstream.seen[0]?.authorization).toBe(expected)
  })

  it('keeps what the two sides agree on: subprotocol and compression', async () => {
    const upstream = await startWebSocketUpstream(undefined, {
      handleProtocols: (protocols) => [...protocols].at(-1) ?? false,
      perMessageDeflate: { threshold: 0 },
    })
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const accepted = connection(upstream)
    const client = openWebSocket(proxy.origin, ['v1', 'v2'])
    const server = await accepted
    await opened(client)
    expect([client.protocol, client.extensions]).toEqual(['v2', 'permessage-deflate'])
    server.send('x'.repeat(100_000))
    expect((await message(client))[0].length).toBe(100_000)
  })

  it.each(['client', 'server'])('passes on the code and reason with which the %s closes', async (side) => {
    const upstream = await startWebSocketUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const accepted = connection(upstream)
    const client = openWebSocket(proxy.origin)
    const server = await accepted
    await opened(client)
    const [from, to] = side === 'client' ? [client, server] : [server, client]
    const ends = [closed(client), closed(server)]
    from.close(4321, 'the reason')
    expect(await closed(to)).toEqual([4321, 'the reason'])
    expect(await Promise.all(ends)).toEqual([
      [4321, 'the reason'],
      [4321, 'the reason'],
    ])
  })

  it.each(['client', 'server'])('ends on both sides when the %s is gone', async (side) => {
    const upstream = await startWebSocketUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const accepted = connection(upstream)
    const client = openWebSocket(proxy.origin)
    const server = await accepted
    await opened(client)
    const [from, to] = side === 'client' ? [client, server] : [server, client]
    from.terminate()
    expect((await closed(to))[0]).toBe(1006)
  })

  it('passes on pings and pongs, one for one', async () => {
    const upstream = await startWebSocketUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const accepted = connection(upstream)
    const client = openWebSocket(proxy.origin)
    const server = await accepted
    await opened(client)
    let pongs = 0
    client.on('pong', () => pongs++)
    const pinged = once(server, 'ping')
    client.ping('are you there')
    expect(String((await pinged)[0])).toBe('are you there')
    await eventually(() => pongs).toBe(1)
    const answered = message(client)
    client.send('x')
    server.send('y')
    await answered
    expect(pongs).toBe(1)
  })

  it('goes over TLS with the authority that is given', async () => {
    const { caPem, certPem, keyPem } = await createCertificate()
    const https = createHttpsServer({ cert: certPem, key: keyPem })
    const { origin } = await listen(https as never, 'https')
    await startWebSocketUpstream(undefined, { server: https })
    const proxy = await startProxy(origin, createListedProvider('one'), { ca: caPem })
    await opened(openWebSocket(proxy.origin))
    const untrusting = await startProxy(origin, createListedProvider('one'))
    const [status, body] = await refused(openWebSocket(untrusting.origin))
    expect([status, JSON.parse(body).code]).toEqual([502, 'ERR_PROXY_UPSTREAM_TLS'])
  })

  it('makes a server wait for a client that does not read', async () => {
    const upstream = await startWebSocketUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const accepted = connection(upstream)
    const client = openWebSocket(proxy.origin)
    const server = await accepted
    await opened(client)
    client.pause()
    const piece = Buffer.alloc(1024 * 1024)
    for (let sent = 0; sent < 64; sent++) server.send(piece)
    // The buffers of the kernel and of streams take a few MiB on each side; the rest stays with the server.
    await eventually(() => server.bufferedAmount).toBeLessThan(64 * piece.length)
    expect(server.bufferedAmount).toBeGreaterThan(24 * piece.length)
    let received = 0
    client.on('message', (data) => {
      received += (data as Buffer).length
    })
    client.resume()
    await eventually(() => received).toBe(64 * piece.length)
  })
})

describe('an upgrade', () => {
  it('that is refused with 401 is tried again with another token', async () => {
    const upstream = await startWebSocketUpstream((authorization) => authorization === 'Bearer two')
    const provider = createListedProvider('one', 'two')
    const proxy = await startProxy(upstream.origin, provider)
    await opened(openWebSocket(proxy.origin))
    expect(provider.invalidated).toEqual(['one'])
    expect(upstream.seen.length).toBe(2)
    expect(proxy.records).toMatchObject([{ status: 101, retried: true }])
  })

  it('that stays refused reaches the client as it is', async () => {
    const upstream = await startWebSocketUpstream(() => false)
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    expect(await refused(openWebSocket(proxy.origin))).toEqual([401, 'no'])
    expect(proxy.records).toMatchObject([{ status: 401, retried: false }])
  })

  it('that is told to wait first is opened all the same', async () => {
    const server = createHttpServer()
    server.on('upgrade', (request, socket) => {
      onTestFinished(() => void socket.destroy())
      const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${WEB_SOCKET_GUID}`)
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n')
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n')
      socket.write(`Sec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`)
      socket.write(Buffer.from([0x81, 2, 0x68, 0x69]))
    })
    const { origin } = await listen(server)
    const proxy = await startProxy(origin, createListedProvider('one'))
    const client = openWebSocket(proxy.origin)
    expect(String((await message(client))[0])).toBe('hi')
    expect(proxy.records).toMatchObject([{ status: 101 }])
  })

  it('without a valid token is refused, and nothing is sent', async () => {
    const upstream = await startWebSocketUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider())
    const [status, body] = await refused(openWebSocket(proxy.origin))
    expect([status, JSON.parse(body).code]).toEqual([503, 'ERR_PROXY_NO_TOKEN'])
    expect(upstream.seen).toEqual([])
  })

  it('to an upstream that is not there is refused', async () => {
    const upstream = await startWebSocketUpstream()
    await new Promise((resolve) => upstream.server.close(resolve))
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const [status, body] = await refused(openWebSocket(proxy.origin))
    expect([status, JSON.parse(body).code]).toEqual([502, 'ERR_PROXY_UPSTREAM_CONNECT'])
    expect(body).not.toContain(String(upstream.port))
  })

  it.each([
    ['of a foreign page', 'GET /', ['Origin: http://evil.example'], 403, 'ERR_PROXY_ORIGIN'],
    ['to a foreign name', 'GET /', ['Host: evil.example'], 403, 'ERR_PROXY_HOST'],
    ['to another host', 'GET //evil.example/', [], 400, 'ERR_PROXY_TARGET'],
    ['out of the base path', 'GET /..%2fb', [], 400, 'ERR_PROXY_TARGET'],
    ['by POST', 'POST /', [], 400, 'ERR_PROXY_UPGRADE'],
    ['with a body', 'GET /', ['Content-Length: 5'], 400, 'ERR_PROXY_UPGRADE'],
    ['with a body in chunks', 'GET /', ['Transfer-Encoding: chunked'], 400, 'ERR_PROXY_UPGRADE'],
  ])('%s is refused', async (_name, line, fields, status, code) => {
    const upstream = await startWebSocketUpstream()
    const proxy = await startProxy(`${upstream.origin}/a`, createListedProvider('one'))
    const host = fields.some((field) => field.startsWith('Host')) ? [] : ['Host: localhost']
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
    const head = [`${line} HTTP/1.1`, ...host, ...fields, ...upgrade, key].join('\r\n')
    const response = await exchangeRaw(proxy.port, `${head}\r\n\r\n`)
    expect([statusOf(response), JSON.parse(bodyOf(response)).code]).toEqual([status, code])
    expect(upstream.seen).toEqual([])
  })

  it('behind a request without its answer is no upgrade, so that each answer stays with its request', async () => {
    let answerSlow = () => {}
    const server = createHttpServer((request, response) => {
      if (request.url === '/slow') {
        answerSlow = () => void response.end('slow')
        return
      }
      response.writeHead(426).end('not like this')
      answerSlow()
    }).on('upgrade', (_request, socket) => {
      socket.end(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nFRAMES',
      )
      answerSlow()
    })
    const proxy = await startProxy((await listen(server)).origin, createListedProvider('one'))
    const request = (path: string, ...fields: string[]) =>
      [`GET ${path} HTTP/1.1`, 'Host: localhost', ...fields, '', ''].join('\r\n')
    const upgrade = ['Connection: Upgrade, close', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
    const received = await exchangeRaw(proxy.port, request('/slow') + request('/chat', ...upgrade, key))
    expect(received.match(/HTTP\/1\.1 \d{3}|slow|not like this|FRAMES/g)).toEqual([
      ...['HTTP/1.1 200', 'slow'],
      ...['HTTP/1.1 426', 'not like this'],
    ])
  })

  it('comes through on a connection whose requests have their answers', async () => {
    const upstream = await startWebSocketUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(proxy.origin, { agent }, resolve).once('error', reject)
    })
    await once(response.resume(), 'close')
    const accepted = connection(upstream)
    const client = openWebSocket(proxy.origin, [], { agent })
    await Promise.all([accepted, opened(client)])
    expect(proxy.records).toMatchObject([{ status: 426 }, { status: 101 }])
  })

  it('whose client leaves is given up', async () => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    const proxy = await startProxy(`http://127.0.0.1:${port}`, createListedProvider('one'))
    const arrived = once(server, 'connection')
    const client = openWebSocket(proxy.origin)
    client.on('error', () => {})
    const [socket] = (await arrived) as [Socket]
    await once(socket, 'data')
    const ended = once(socket, 'close')
    client.terminate()
    await ended
    await eventually(() => proxy.records).toMatchObject([{ status: 499 }])
  })
})

describe('when the proxy closes, web sockets', () => {
  it('end with 1001 on both sides', async () => {
    const upstream = await startWebSocketUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const accepted = connection(upstream)
    const client = openWebSocket(proxy.origin)
    const server = await accepted
    await opened(client)
    server.send('x')
    await message(client)
    const ends = [closed(client), closed(server)]
    await proxy.app.close()
    expect(await Promise.all(ends)).toEqual([
      [1001, ''],
      [1001, ''],
    ])
  })

  it('end after the frame that is under way', async () => {
    const upstream = await startWebSocketUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const accepted = once(upstream.server, 'connection')
    const client = openWebSocket(proxy.origin)
    const [server, request] = await accepted
    await opened(client)
    const received = message(client)
    const end = closed(client)
    // Three of five bytes, written past the library; the proxy has them once the client's socket has.
    const arrived = once((client as unknown as { _socket: Socket })._socket, 'data')
    request.socket.write(Buffer.from([0x81, 5, 0x68, 0x65, 0x6c]))
    await arrived
    const closing = proxy.app.close()
    request.socket.write(Buffer.from([0x6c, 0x6f]))
    expect(String((await received)[0])).toBe('hello')
    expect((await end)[0]).toBe(1001)
    await closing
    expect(server.readyState).not.toBe(1)
  })

  it('are cut when a side does not answer in time', async () => {
    const upstream = await startWebSocketUpstream()
    const clock = createFakeClock()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'), { clock })
    const accepted = connection(upstream)
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
    const head = [
      'GET / HTTP/1.1',
      'Host: localhost',
      ...upgrade,
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]
    const client = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
    onTestFinished(() => void client.destroy())
    client.write(`${head.join('\r\n')}\r\n\r\n`)
    await accepted
    await once(client, 'data')
    client.on('error', () => {})
    const ended = once(client, 'end')
    let isClosed = false
    const closing = proxy.app.close().then(() => {
      isClosed = true
    })
    client.resume()
    await ended
    expect(isClosed).toBe(false)
    await clock.advance(5_000)
    await closing
  })

  it('that are being opened are refused', async () => {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    const proxy = await startProxy(`http://127.0.0.1:${port}`, createListedProvider('one'))
    const arrived = once(server, 'connection')
    const answer = refused(openWebSocket(proxy.origin))
    await arrived
    const closing = proxy.app.close()
    const [status, body] = await answer
    expect([status, JSON.parse(body).code]).toEqual([503, 'ERR_PROXY_STOPPING'])
    await closing
  })
})
