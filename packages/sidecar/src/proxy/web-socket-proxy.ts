import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '@projected-token/core'
import type { FastifyBaseLogger } from 'fastify'
import type { Dispatcher } from 'undici'
import { classifyFailure } from './classify-failure.js'
import { type Headers, requestHeaders, responseHeaders } from './forwarded-headers.js'
import { type Gate, hasBody } from './gate.js'
import { type ProxyAnswerCode, proxyAnswer } from './proxy-answer.js'
import type { ProxyRecord, ProxySpec } from './proxy-spec.js'
import { endResponse, writeAnswer, writeHead } from './raw-response.js'
import { upstreamPath } from './request-target.js'
import { judgeResponse } from './response-rule.js'
import { codeOf } from './token-guard.js'
import type { Exchange, Upstream } from './upstream.js'
import { createTunnel, type Tunnel } from './web-socket-tunnel.js'

export interface WebSocketProxyOptions {
  readonly spec: ProxySpec
  readonly gate: Gate
  readonly upstream: Upstream
  readonly clock: Clock
  readonly log: FastifyBaseLogger
  onRequest(record: ProxyRecord): void
}

/**
 * Passes upgrades on: the client gets its 101 when the upstream has given one, and whatever else the upstream says in
 * its place. `@fastify/http-proxy` accepts before it asks, so that a refusal reaches the client as a broken web
 * socket, never as a 401, and cannot be tried again; and it reads on while the other side does not.
 */
export function createWebSocketProxy({ spec, gate, upstream, clock, log, onRequest }: WebSocketProxyOptions) {
  const tunnels = new Set<Tunnel>()
  const handshakes = new Set<(code: ProxyAnswerCode) => void>()
  let stopping = false

  function refusalOf(request: IncomingMessage): ProxyAnswerCode | undefined {
    if (stopping) return 'ERR_PROXY_STOPPING'
    if (request.method !== 'GET' || hasBody(request.headers)) return 'ERR_PROXY_UPGRADE'
    return gate.judge(request)
  }

  /** The listener of a server's 'upgrade'. */
  function handle(request: IncomingMessage, client: Duplex, head: Buffer): void {
    const startedAtMs = clock.monotonicNow()
    const exchange: Exchange = { attempts: 0 }
    const early: Buffer[] = head.length > 0 ? [head] : []
    let controller: Dispatcher.DispatchController | undefined
    let answered = false
    let passesResponse = false

    const answeredWith = (status: number) => {
      answered = true
      handshakes.delete(fail)
      const durationMs = clock.monotonicNow() - startedAtMs
      onRequest({ status, retried: exchange.attempts > 1, durationMs })
    }
    const fail = (code: ProxyAnswerCode) => {
      if (answered) return
      const answer = proxyAnswer(code)
      answeredWith(answer.status)
      writeAnswer(client, answer)
      controller?.abort(new Error(answer.message))
    }

    client.on('error', () => {}) // 'close' follows
    const refusal = refusalOf(request)
    if (refusal !== undefined) {
      fail(refusal)
      return
    }

    handshakes.add(fail)
    // Read, since only so it is heard that the client leaves; nobody sends much before the handshake's end.
    const onEarlyData = (chunk: Buffer) => {
      early.push(chunk)
      client.pause()
    }
    const onLeft = () => {
      if (!answered) answeredWith(499)
      controller?.abort(new Error('The client has left'))
      client.destroy()
    }
    client.on('data', onEarlyData).once('end', onLeft).once('close', onLeft)

    const headers = requestHeaders(request.headers, request.headers.connection, {
      header: spec.header.toLowerCase(),
      clientHeader: spec.clientHeader,
    })
    headers.host = spec.upstream.host
    const path = upstreamPath(request.url ?? '', spec.upstream) as string
    upstream.upgrade(path, headers, exchange, {
      onRequestStart(given) {
        controller = given
        if (answered) given.abort(new Error('The upgrade is answered already'))
      },
      onRequestUpgrade(_controller, _status, received, socket) {
        if (answered) return void socket.destroy()
        answeredWith(101)
        client.off('data', onEarlyData).off('end', onLeft).off('close', onLeft)
        const connection = { connection: 'Upgrade', upgrade: 'websocket' }
        writeHead(client, 101, 'Switching Protocols', {
          ...responseHeaders(received as Headers),
          ...connection,
        })
        client.pause()
        for (const chunk of early.reverse()) client.unshift(chunk)
        const tunnel = createTunnel(client, socket, clock, () => tunnels.delete(tunnel))
        tunnels.add(tunnel)
        client.resume()
      },
      onResponseStart(given, status, received, message) {
        if (answered || status < 200) return // an interim one: the answer is still to come
        const fault = judgeResponse(status, received as Headers)
        if (fault !== undefined) return given.abort(fault)
        passesResponse = true
        answeredWith(status)
        client.off('data', onEarlyData).resume()
        writeHead(client, status, message ?? '', {
          ...responseHeaders(received as Headers),
          connection: 'close',
        })
      },
      onResponseData(given, chunk) {
        if (!passesResponse || client.write(chunk)) return
        given.pause()
        client.once('drain', () => given.resume())
      },
      onResponseEnd() {
        if (passesResponse) endResponse(client)
      },
      onResponseError(_controller, error) {
        if (passesResponse) client.destroy()
        if (answered) return
        log.warn({ code: codeOf(error), proxy: spec.name }, 'The upgrade failed')
        fail(classifyFailure(error))
      },
    })
  }

  return {
    handle,
    /** Ends what there is with 1001, and takes nothing more. */
    stop(): void {
      stopping = true
      for (const fail of [...handshakes]) fail('ERR_PROXY_STOPPING')
      for (const tunnel of [...tunnels]) tunnel.goAway()
    },
  }
}
