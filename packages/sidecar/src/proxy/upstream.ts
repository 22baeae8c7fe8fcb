import type { Clock, TokenProvider } from '@projected-token/core'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import { Agent, type Dispatcher } from 'undici'
import type { Headers } from './forwarded-headers.js'
import { headersDeadline } from './headers-deadline.js'
import { createHttp2Upstream } from './http2-upstream.js'
import { patientConnector } from './patient-connector.js'
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_HEADERS_TIMEOUT_MS, type ProxySpec } from './proxy-spec.js'
import { judgeResponse } from './response-rule.js'

/** What belongs to one request of a client, and has to get past the library that sends it. */
export interface Exchange {
  /** How often it was dispatched. */
  attempts: number
  /** Aborted when the client leaves before there is an answer; later the streams tell each other. */
  client?: AbortController | undefined
  /** A body that is sent in place of the stream, since it can be sent twice. */
  body?: Uint8Array | undefined
}

/** The property under which an exchange travels: of the headers through reply-from, of the options through undici. */
export const EXCHANGE: unique symbol = Symbol('exchange')

export type Marked = { readonly [EXCHANGE]?: Exchange | undefined }
type RequestCallback = (error: Error | null, response: Dispatcher.ResponseData) => void

/** The connections to an upstream, over which the token goes along. */
export function createUpstream(spec: ProxySpec, provider: TokenProvider, clock: Clock) {
  const token = createTokenInterceptor(provider, {
    origins: spec.upstream.origin,
    header: spec.header,
    scheme: spec.scheme,
  })
  const connect = spec.ca === undefined ? {} : { ca: spec.ca }
  const connectTimeoutMs = spec.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS
  const headersTimeoutMs = spec.headersTimeoutMs ?? DEFAULT_HEADERS_TIMEOUT_MS
  const options = {
    connect: patientConnector(
      { ...connect, allowH2: false /* see http2-upstream.ts */, timeout: connectTimeoutMs },
      clock,
    ),
    headersTimeout: headersTimeoutMs, // of an upload that stands still, too
    // Streams may be silent for as long as they like; TCP's keep-alive finds a peer that is gone.
    bodyTimeout: 0,
  }
  const agent = new Agent(options)
  const http2 =
    spec.upstream.protocol === 'https:'
      ? createHttp2Upstream({ ...spec, connectTimeoutMs, headersTimeoutMs, clock })
      : undefined
  const deadline = headersDeadline(clock, headersTimeoutMs)
  const http = agent.compose(
    deadline,
    ...(http2 === undefined ? [] : [http2.interceptor]),
    countAttempts,
    token,
  )
  // Web sockets need HTTP/1.1: few servers have them on HTTP/2 (RFC 8441).
  const webSocket = agent.compose(deadline, countAttempts, token)

  return {
    /** In place of a dispatcher for reply-from, which passes neither a signal nor a body that can be sent twice. */
    forReplyFrom: {
      request(request: Dispatcher.RequestOptions & { headers: Marked }, callback: RequestCallback): void {
        const exchange = request.headers[EXCHANGE]
        if (exchange === undefined) throw new Error('A request without its exchange')
        const signal = exchange.client?.signal
        const body = exchange.body ?? request.body ?? null
        http.request(
          { ...request, [EXCHANGE]: exchange, body, signal } as Dispatcher.RequestOptions,
          (error: Error | null, response: Dispatcher.ResponseData) => {
            // Nobody is there to be answered, and the library would log it as a failure of the upstream.
            if (error !== null && signal?.aborted) return
            const fault = error ?? judgeResponse(response.statusCode, response.headers as Headers)
            if (error === null && fault !== undefined) response.body.on('error', () => {}).destroy()
            callback(fault ?? null, response)
          },
        )
      },
    },
    /** Asks for a web socket. */
    upgrade(
      path: string,
      headers: Record<string, string | string[] | undefined>,
      exchange: Exchange,
      handler: Dispatcher.DispatchHandler,
    ): void {
      const { origin } = spec.upstream
      const request = { origin, path, method: 'GET' as const, upgrade: 'websocket', headers }
      webSocket.dispatch({ ...request, [EXCHANGE]: exchange } as Dispatcher.DispatchOptions, handler)
    },
    async close(): Promise<void> {
      await Promise.all([agent.close(), http2?.close()])
    },
  }
}

export type Upstream = ReturnType<typeof createUpstream>

function countAttempts(dispatch: Dispatcher['dispatch']): Dispatcher['dispatch'] {
  return (options, handler) => {
    const exchange = (options as Marked)[EXCHANGE]
    if (exchange !== undefined) exchange.attempts++
    return dispatch(options, handler)
  }
}
