import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { createSecureServer } from 'node:http2'
import { connect, createServer } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCertificate } from '../../../test/support/certificates.js'
import {
  createListedProvider,
  eventually,
  listen,
  startProxy,
  startUpstream,
} from './support/proxy-harness.js'
import { exchangeRaw } from './support/proxy-raw.js'

vi.setConfig({ testTimeout: 120_000 })

/** Far more than sockets hold. */
const UPLOAD_BYTES = 16 * 1024 * 1024

/** Sends everything, and reads what comes meanwhile; the status and body, or the code of the failure. */
function upload(port: number, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve) => {
    const length = { 'content-length': String(UPLOAD_BYTES) }
    const options = { host: '127.0.0.1', port, method: 'POST', headers: { ...length, ...headers } }
    const request = httpRequest(options, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      const outcome = `${response.statusCode} ${text}`
      if (request.writableFinished) resolve(outcome)
      else request.once('finish', () => resolve(outcome))
    })
    request.on('error', (error: NodeJS.ErrnoException) => resolve(`failed: ${error.code}`))
    request.end(Buffer.alloc(UPLOAD_BYTES))
  })
}

/** An upstream that answers as soon as a request begins. */
async function startHastyUpstream(response: string, ends: boolean) {
  const server = createServer((socket) => {
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {}) // the proxy's end of the connection
    socket.once('data', () => {
      socket.write(response)
      if (ends) socket.resume().end()
      else socket.pause() // so that no connection is used again, with everything sent
    })
  })
  return (await listen(server as never)).origin
}

describe('a client in the midst of an upload', () => {
  it.each([
    ['and ends the connection', 'Connection: close\r\n', true],
    ['and keeps the connection', '', false],
  ])('hears what an upstream answers that does not wait for its end %s', async (_name, fields, ends) => {
    const origin = await startHastyUpstream(`HTTP/1.1 413 No\r\nContent-Length: 3\r\n${fields}\r\nbig`, ends)
    const proxy = await startProxy(origin, createListedProvider('one'))
    for (let turn = 0; turn < 5; turn++) expect(await upload(proxy.port)).toBe('413 big')
    await eventually(() => proxy.records.map(({ status }) => status)).toEqual(Array(5).fill(413))
  })

  it('hears what an upstream over HTTP/2 answers', async () => {
    const { certPem, keyPem, caPem } = await createCertificate()
    const server = createSecureServer({ cert: certPem, key: keyPem }, (_request, response) => {
      response.writeHead(413).end('big')
    })
    server.on('session', (session) => onTestFinished(() => session.destroy()))
    const { origin } = await listen(server as never, 'https')
    const proxy = await startProxy(origin, createListedProvider('one'), { ca: caPem })
    for (let turn = 0; turn < 5; turn++) expect(await upload(proxy.port)).toBe('413 big')
  })

  it('hears the answer also when it asks for the end of the connection, which comes', async () => {
    const origin = await startHastyUpstream('HTTP/1.1 413 No\r\nContent-Length: 3\r\n\r\nbig', false)
    const proxy = await startProxy(origin, createListedProvider('one'))
    for (const host of ['localhost', 'evil.example']) {
      for (let turn = 0; turn < 5; turn++) {
        const head = [
          'POST / HTTP/1.1',
          `Host: ${host}`,
          `Content-Length: ${UPLOAD_BYTES}`,
          'Connection: close',
        ]
        const answer = await exchangeRaw(
          proxy.port,
          `${head.join('\r\n')}\r\n\r\n${'x'.repeat(UPLOAD_BYTES)}`,
        )
        expect(answer).toMatch(host === 'localhost' ? /^HTTP\/1\.1 413 [\s\S]*big$/ : /ERR_PROXY_HOST/)
      }
    }
  })

  it('hears that the upstream is not there', async () => {
    const { origin, server } = await startUpstream()
    await new Promise((resolve) => server.close(resolve))
    const proxy = await startProxy(origin, createListedProvider('one'))
    for (let turn = 0; turn < 5; turn++) {
      expect(await upload(proxy.port)).toMatch(/^502 .*ERR_PROXY_UPSTREAM_CONNECT/)
    }
  })

  it('hears that there is no token', async () => {
    const { origin } = await startUpstream()
    const proxy = await startProxy(origin, createListedProvider())
    for (let turn = 0; turn < 5; turn++) {
      expect(await upload(proxy.port)).toMatch(/^503 .*ERR_PROXY_NO_TOKEN/)
    }
  })

  it('hears that it is refused', async () => {
    const { origin, seen } = await startUpstream()
    const proxy = await startProxy(origin, createListedProvider('one'))
    for (let turn = 0; turn < 5; turn++) {
      expect(await upload(proxy.port, { host: 'evil.example' })).toMatch(/^403 .*ERR_PROXY_HOST/)
    }
    expect(seen).toEqual([])
  })

  it('may send the rest, which is dropped, and then its next request', async () => {
    const origin = await startHastyUpstream('HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno', false)
    const proxy = await startProxy(origin, createListedProvider('one'))
    const socket = connect(proxy.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    const rest = `GET /rest HTTP/1.1\r\nHost: evil.example\r\n\r\n${'x'.repeat(1_000_000)}`
    socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${rest.length + 4}\r\n\r\nsome`)
    await eventually(() => received).toMatch(/^HTTP\/1\.1 401 [\s\S]*\r\n\r\nno$/)
    socket.write(rest)
    received = ''
    socket.write('GET /next HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    await once(socket, 'end')
    expect(received).toMatch(/^HTTP\/1\.1 401 [\s\S]*\r\n\r\nno$/)
    await eventually(() => proxy.records.map(({ status }) => status)).toEqual([401, 401])
  })

  it('may finish it when the proxy stops, and has its connection ended then', async () => {
    const origin = await startHastyUpstream('HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno', false)
    const proxy = await startProxy(origin, createListedProvider('one'))
    const socket = connect(proxy.port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nsome')
    await eventually(() => received).toMatch(/^HTTP\/1\.1 401 [\s\S]*\r\n\r\nno$/)
    const closing = proxy.app.close()
    await eventually(() => proxy.app.server.listening).toBe(false)
    const ended = once(socket, 'end')
    socket.write('x'.repeat(1_000_000 - 4))
    await ended
    await closing
  })
})
