import { Agent, request as httpRequest } from 'node:http'
import { createSecureServer } from 'node:http2'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCertificate } from '../../../test/support/certificates.js'
import {
  DATA,
  END_HEADERS,
  END_STREAM,
  field,
  frame,
  HEADERS,
  resetWith,
  STATUS_200,
  startFramedUpstream,
} from './support/proxy-frames.js'
import { createListedProvider, listen, startProxy } from './support/proxy-harness.js'
import { requestRaw } from './support/proxy-raw.js'

vi.setConfig({ testTimeout: 120_000 })

const NO_ERROR = 0
const CANCEL = 8

/** What a client makes of a response. */
async function outcomeOf(origin: string, method = 'GET'): Promise<string> {
  return fetch(origin, { method })
    .then(async (response) => `${response.status} ${await response.text()}`)
    .catch(() => 'broken off')
}

describe('a response over HTTP/2', () => {
  it('whose body comes in one packet with its head arrives whole', async () => {
    const proxy = await startFramedUpstream((socket, stream) => {
      socket.write(
        Buffer.concat([
          frame(HEADERS, END_HEADERS, stream, STATUS_200),
          frame(DATA, END_STREAM, stream, 'whole'),
        ]),
      )
    })
    for (let turn = 0; turn < 20; turn++) {
      expect(await Promise.all(Array.from({ length: 8 }, () => outcomeOf(proxy.origin)))).toEqual(
        Array(8).fill('200 whole'),
      )
    }
  })

  it('arrives whole under load, to a GET and a POST', async () => {
    const { certPem, keyPem, caPem } = await createCertificate()
    const server = createSecureServer({ cert: certPem, key: keyPem }, (request, response) => {
      request.resume()
      response.end('ok')
    })
    server.on('session', (session) => onTestFinished(() => session.destroy()))
    const { origin } = await listen(server as never, 'https')
    const proxy = await startProxy(origin, createListedProvider('one'), { ca: caPem })
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    const ask = (method: string) =>
      new Promise<string>((resolve, reject) => {
        const request = httpRequest(proxy.origin, { method, agent }, async (response) => {
          let text = ''
          for await (const chunk of response) text += chunk
          resolve(`${response.statusCode} ${text}`)
        })
        request.once('error', reject)
        request.end(method === 'POST' ? 'body' : undefined)
      })
    const outcomes = new Map<string, number>()
    const work = async (method: string) => {
      for (let turn = 0; turn < 200; turn++) {
        const outcome = await ask(method)
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: 16 }, (_, index) => work(index % 2 === 0 ? 'GET' : 'POST')))
    expect([...outcomes]).toEqual([['200 ok', 3_200]])
  })

  it.each([
    ['NO_ERROR', NO_ERROR, []],
    ['NO_ERROR, short of its length', NO_ERROR, [field('content-length', '300')]],
    ['CANCEL', CANCEL, []],
  ])('that is reset with %s is broken off to the client', async (_name, code, fields) => {
    const proxy = await startFramedUpstream((socket, stream) => {
      socket.write(frame(HEADERS, END_HEADERS, stream, Buffer.concat([STATUS_200, ...fields])))
      socket.write(frame(DATA, 0, stream, 'some'))
      socket.write(resetWith(stream, code))
    })
    for (let turn = 0; turn < 5; turn++) {
      // Before or after the status has gone out, but never as a whole response.
      expect(await outcomeOf(proxy.origin)).toMatch(/^broken off$|^502 /)
    }
  })

  it('without an end is not followed by the next on the connection', async () => {
    const proxy = await startFramedUpstream((socket, stream, turn) => {
      if (turn > 0) {
        socket.write(frame(HEADERS, END_HEADERS, stream, STATUS_200))
        return void socket.write(frame(DATA, END_STREAM, stream, 'second'))
      }
      const head = Buffer.concat([STATUS_200, field('content-length', '300')])
      socket.write(
        Buffer.concat([frame(HEADERS, END_HEADERS, stream, head), frame(DATA, 0, stream, 'first')]),
      )
      socket.write(resetWith(stream, NO_ERROR))
    })
    expect(await outcomeOf(proxy.origin)).toMatch(/^broken off$|^502 /)
    expect(await outcomeOf(proxy.origin)).toBe('200 second')
  })

  it('that is whole stays so when the server then asks for the upload to stop', async () => {
    const proxy = await startFramedUpstream((socket, stream) => {
      socket.write(
        Buffer.concat([
          frame(HEADERS, END_HEADERS, stream, STATUS_200),
          frame(DATA, END_STREAM, stream, 'enough'),
          resetWith(stream, NO_ERROR),
        ]),
      )
    })
    const answer = await new Promise<string>((resolve, reject) => {
      const request = httpRequest(proxy.origin, { method: 'POST' }, async (response) => {
        let text = ''
        for await (const chunk of response) text += chunk
        resolve(`${response.statusCode} ${text}`)
        request.end()
      })
      request.once('error', reject)
      request.write('the beginning of an upload')
    })
    expect(answer).toBe('200 enough')
  })

  it.each([
    ['latin1', Buffer.from([0x61, 0xe9, 0x62])],
    ['UTF-8', Buffer.from('日本')],
  ])('keeps the bytes of a field in %s', async (_name, bytes) => {
    const proxy = await startFramedUpstream((socket, stream) => {
      const head = Buffer.concat([STATUS_200, field('x-answer', bytes)])
      socket.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, head))
    })
    const response = await requestRaw(proxy.port, 'GET / HTTP/1.1')
    expect(/^x-answer: (.*)\r$/im.exec(response)?.[1]).toBe(bytes.toString('latin1'))
  })

  it('is asked for with the bytes of a field as they are', async () => {
    const { certPem, keyPem, caPem } = await createCertificate()
    const seen: unknown[] = []
    const server = createSecureServer({ cert: certPem, key: keyPem }, (request, response) => {
      seen.push(request.headers['x-question'])
      response.end('ok')
    })
    server.on('session', (session) => onTestFinished(() => session.destroy()))
    const { origin } = await listen(server as never, 'https')
    const proxy = await startProxy(origin, createListedProvider('one'), { ca: caPem })
    const values = [Buffer.from([0x61, 0xe9, 0x62]), Buffer.from('日本')].map((bytes) =>
      bytes.toString('latin1'),
    )
    for (const value of values) await requestRaw(proxy.port, 'GET / HTTP/1.1', [`X-Question: ${value}`])
    expect(seen).toEqual(values)
  })

  it('may have some hundreds of fields', async () => {
    const proxy = await startFramedUpstream((socket, stream) => {
      const fields = Array.from({ length: 500 }, (_, index) => field(`x-${index}`, 'y'))
      socket.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, Buffer.concat([STATUS_200, ...fields])))
    })
    const response = await fetch(proxy.origin)
    expect([response.status, response.headers.get('x-499')]).toEqual([200, 'y'])
  })

  it('to a HEAD keeps its length', async () => {
    const proxy = await startFramedUpstream((socket, stream) => {
      const head = Buffer.concat([STATUS_200, field('content-length', '1234')])
      socket.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, head))
    })
    const response = await fetch(proxy.origin, { method: 'HEAD' })
    expect([response.status, response.headers.get('content-length')]).toEqual([200, '1234'])
  })
})

describe('an upstream of HTTP/2 that takes one stream a connection', () => {
  /** `watch` asks for what never ends. */
  const startNarrow = async () => {
    const { certPem, keyPem, caPem } = await createCertificate()
    const options = { cert: certPem, key: keyPem, settings: { maxConcurrentStreams: 1 } }
    const server = createSecureServer(options, (request, response) => {
      if (request.url === '/watch') response.write('an event')
      else response.end('ok')
    })
    server.on('session', (session) => onTestFinished(() => session.destroy()))
    const { origin } = await listen(server as never, 'https')
    const proxy = await startProxy(origin, createListedProvider('one'), { ca: caPem })
    const leave = new AbortController()
    onTestFinished(() => leave.abort())
    const watch = () => fetch(`${proxy.origin}/watch`, { signal: leave.signal })
    return { origin: proxy.origin, watch }
  }

  it('answers a request while another one never ends', async () => {
    const { origin, watch } = await startNarrow()
    expect(await outcomeOf(origin)).toBe('200 ok')
    expect((await watch()).status).toBe(200)
    expect(await outcomeOf(origin)).toBe('200 ok')
    expect(await outcomeOf(origin, 'POST')).toBe('200 ok')
  })

  it('answers a request that comes, with one that never ends, before there is a connection', async () => {
    const { origin, watch } = await startNarrow()
    const watches = Array.from({ length: 3 }, watch)
    expect(await outcomeOf(origin)).toBe('200 ok')
    for (const { status } of await Promise.all(watches)) expect(status).toBe(200)
  })
})
