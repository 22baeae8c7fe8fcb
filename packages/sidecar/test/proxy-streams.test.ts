import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, expect, it, vi } from 'vitest'
import { createListedProvider, eventually, listen, startProxy } from './support/proxy-harness.js'

vi.setConfig({ testTimeout: 120_000 })

const MEBIBYTE = 1024 * 1024
const GIBIBYTE = 1024 * MEBIBYTE

function* zeros(total: number) {
  const chunk = Buffer.alloc(256 * 1024)
  for (let sent = 0; sent < total; sent += chunk.length) yield chunk
}

/** An upstream whose requests the test answers one by one. */
async function startManualUpstream() {
  const server = createServer()
  const { origin } = await listen(server)
  const next = async () => (await once(server, 'request')) as [IncomingMessage, ServerResponse]
  return { origin, next }
}

describe('a body passes as a stream', () => {
  it('both ways at once, a gibibyte each, in little memory', async () => {
    const server = createServer((request, response) => void pipeline(request, response).catch(() => {}))
    const { origin } = await listen(server)
    const proxy = await startProxy(origin, createListedProvider('one'))
    const before = process.memoryUsage()
    const request = httpRequest(proxy.origin, { method: 'POST' })
    const sent = pipeline(Readable.from(zeros(GIBIBYTE)), request)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    let received = 0
    let growth = 0
    for await (const chunk of response) {
      received += chunk.length
      const { external, heapUsed } = process.memoryUsage()
      growth = Math.max(growth, external + heapUsed - before.external - before.heapUsed)
    }
    await sent
    expect(received).toBe(GIBIBYTE)
    // Four streams and a collector that takes its time; a proxy that keeps what it reads would need 1,024.
    expect(growth).toBeLessThan(400 * MEBIBYTE)
  }, 300_000)

  it('an upstream waits for a client that does not read', async () => {
    const { origin, next } = await startManualUpstream()
    const proxy = await startProxy(origin, createListedProvider('one'))
    const arrived = next()
    const request = httpRequest(proxy.origin).end()
    const [, upstreamResponse] = await arrived
    const source = Readable.from(zeros(256 * MEBIBYTE))
    let produced = 0
    source.on('data', (chunk) => {
      produced += chunk.length
    })
    const piped = pipeline(source, upstreamResponse)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    await eventually(() => upstreamResponse.writableNeedDrain).toBe(true)
    expect(produced).toBeLessThan(128 * MEBIBYTE)
    response.resume()
    await piped
    expect(produced).toBe(256 * MEBIBYTE)
  })

  it('a response is passed on as it comes, before the request has ended', async () => {
    const { origin, next } = await startManualUpstream()
    const proxy = await startProxy(origin, createListedProvider('one'))
    const arrived = next()
    const request = httpRequest(proxy.origin, { method: 'POST' })
    request.write('first')
    const [upstreamRequest, upstreamResponse] = await arrived
    expect(String((await once(upstreamRequest, 'data'))[0])).toBe('first')
    upstreamResponse.writeHead(200, { 'content-type': 'text/event-stream' })
    upstreamResponse.write('data: 1\n\n')
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(String((await once(response, 'data'))[0])).toBe('data: 1\n\n')
    upstreamResponse.write('data: 2\n\n')
    expect(String((await once(response, 'data'))[0])).toBe('data: 2\n\n')
    request.end()
    upstreamRequest.resume()
    upstreamResponse.end()
    response.resume()
    await once(response, 'end')
  })
})

describe('when the client leaves', () => {
  it.each(['GET', 'POST'])('before the response, a %s is given up', async (method) => {
    const { origin, next } = await startManualUpstream()
    const proxy = await startProxy(origin, createListedProvider('one'))
    const arrived = next()
    const request = httpRequest(proxy.origin, { method })
    request.on('error', () => {})
    if (method === 'GET') request.end()
    else request.write('part of a body')
    const [, upstreamResponse] = await arrived
    const gone = once(upstreamResponse, 'close')
    request.destroy()
    await gone
    await eventually(() => proxy.records).toMatchObject([{ status: 499 }])
    expect(proxy.lines.filter((line) => line.includes('"level":50'))).toEqual([])
  })

  it('in the midst of a small body, nothing is sent', async () => {
    const { origin } = await startManualUpstream()
    const proxy = await startProxy(origin, createListedProvider('one'))
    const request = httpRequest(proxy.origin, { method: 'POST', headers: { 'content-length': 10 } })
    request.on('error', () => {})
    request.write('part')
    await once(proxy.app.server, 'request')
    request.destroy()
    await eventually(() => proxy.records).toMatchObject([{ status: 499 }])
  })

  it('during the response, the upstream learns it', async () => {
    const { origin, next } = await startManualUpstream()
    const proxy = await startProxy(origin, createListedProvider('one'))
    const arrived = next()
    const request = httpRequest(proxy.origin).end()
    const [, upstreamResponse] = await arrived
    upstreamResponse.write('some')
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.on('error', () => {})
    const gone = once(upstreamResponse, 'close')
    response.destroy()
    await gone
    await eventually(() => proxy.records).toMatchObject([{ status: 200 }])
  })
})

describe('when the upstream breaks off', () => {
  it('during the response, so does the proxy: the client cannot take it for whole', async () => {
    const { origin, next } = await startManualUpstream()
    const proxy = await startProxy(origin, createListedProvider('one'))
    const arrived = next()
    const request = httpRequest(proxy.origin).end()
    const [, upstreamResponse] = await arrived
    upstreamResponse.write('some')
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    const failed = once(response, 'error')
    upstreamResponse.destroy()
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' })
  })

  it('before the response, a GET is sent once more, and a POST is not', async () => {
    for (const [method, expected] of [
      ['GET', 200],
      ['POST', 502],
    ] as const) {
      let requests = 0
      const server = createServer((request, response) => {
        request.resume()
        if (requests++ === 0) response.destroy()
        else response.end('ok')
      })
      const { origin } = await listen(server)
      const proxy = await startProxy(origin, createListedProvider('one'))
      expect((await fetch(proxy.origin, { method })).status).toBe(expected)
      expect(requests).toBe(method === 'GET' ? 2 : 1)
      await eventually(() => proxy.records).toMatchObject([{ status: expected, retried: false }])
    }
  })
})
