import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import type { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '@projected-token/core'
import type { Dispatcher } from 'undici'
import { connectHttp2, connectTls } from '../sockets.js'
import { createHttp2Exchange, isEmptyBody } from './http2-exchange.js'

export interface Http2Options {
  readonly upstream: URL
  readonly ca?: string | Buffer | undefined
  readonly connectTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly clock: Clock
}

/** What a stream may send before we take it, and all of a session together: a day's round trip at full speed. */
const STREAM_WINDOW_BYTES = 1024 * 1024
const SESSION_WINDOW_BYTES = 16 * 1024 * 1024
/** Node takes 128, and resets what has more. Their size is bounded: 64 KiB, of which each field takes 32 bytes (RFC 9113). */
const MAX_FIELDS = 2_048
/** An idle session is closed by us, before the other side does. nginx's `keepalive_timeout` is 75 s. */
const IDLE_MS = 60_000

/**
 * HTTP/2 where the upstream chooses it (ALPN); whatever chooses HTTP/1.1 is left to undici from then on.
 *
 * Not undici's own `allowH2`: in undici 7 the GOAWAY with which servers end a session in good order breaks off the
 * responses under way (nodejs/undici#5089), a DELETE with a body fails, and a failed assertion ends the process.
 */
export function createHttp2Upstream(options: Http2Options) {
  const { upstream, headersTimeoutMs, clock } = options
  let speaksHttp1 = false
  /** Those that take requests, and how many each has under way. */
  const sessions = new Map<ClientHttp2Session, number>()
  let connecting: Promise<ClientHttp2Session | undefined> | undefined

  function getSession(): Promise<ClientHttp2Session | undefined> {
    connecting ??= openSession(options)
      .then((opened) => {
        speaksHttp1 = opened === undefined
        if (opened === undefined) return undefined
        sessions.set(opened, 0)
        opened.once('close', () => forget(opened))
        opened.once('goaway', () => forget(opened))
        return opened
      })
      .finally(() => {
        connecting = undefined
      })
    return connecting
  }

  function forget(old: ClientHttp2Session): void {
    sessions.delete(old)
  }

  /** One that takes another stream. Node would let it wait for the end of one of the others, which may never come. */
  function sessionWithRoom(): ClientHttp2Session | undefined {
    for (const [one, streams] of sessions) {
      const { maxConcurrentStreams = Number.POSITIVE_INFINITY } = one.remoteSettings
      if (!one.closed && !one.destroyed && streams < maxConcurrentStreams) return one
    }
    return undefined
  }

  function count(on: ClientHttp2Session, change: 1 | -1): void {
    const streams = sessions.get(on)
    if (streams !== undefined) sessions.set(on, streams + change)
  }

  function openStream(on: ClientHttp2Session, request: Dispatcher.DispatchOptions): ClientHttp2Stream {
    const { path, method, headers, body } = request
    const fields: Record<string, string | string[]> = {}
    for (const [name, value] of Object.entries(headers as Record<string, string | string[] | undefined>)) {
      if (name !== 'host' && name !== 'connection' && value !== undefined) fields[name] = value
    }
    const stream = on.request(
      { ...fields, ':method': method, ':path': path, ':authority': upstream.host, ':scheme': 'https' },
      { endStream: isEmptyBody(body as Readable) },
    )
    count(on, 1)
    stream.once('close', () => count(on, -1))
    watchHeaders(on, stream)
    return stream
  }

  /** A session of which nothing is heard may be dead: whoever comes next gets another one. */
  function watchHeaders(on: ClientHttp2Session, stream: ClientHttp2Stream): void {
    let cancelTimer = () => {}
    const start = () => {
      cancelTimer = clock.setTimer(() => {
        forget(on)
        on.close()
        stream.destroy(
          Object.assign(new Error('No response headers in time'), { code: 'UND_ERR_HEADERS_TIMEOUT' }),
        )
      }, headersTimeoutMs)
    }
    if (stream.writableFinished) start()
    else stream.once('finish', start)
    for (const event of ['response', 'close']) {
      stream.once(event, () => {
        cancelTimer()
        stream.off('finish', start)
      })
    }
  }

  function interceptor(dispatch: Dispatcher['dispatch']): Dispatcher['dispatch'] {
    return (request, handler) => {
      if (speaksHttp1) return dispatch(request, handler)
      const session = sessionWithRoom()
      if (session !== undefined) {
        sendOn(session, request, handler)
        return true
      }
      getSession().then(
        (opened) => {
          if (opened === undefined) return void dispatch(request, handler)
          // Those that waited for it as well may have filled it: then another one is needed.
          if (sessions.get(opened)) interceptor(dispatch)(request, handler)
          else sendOn(opened, request, handler)
        },
        (error) => createHttp2Exchange(handler).fail(error),
      )
      return true
    }
  }

  function sendOn(
    on: ClientHttp2Session,
    request: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): void {
    const exchange = createHttp2Exchange(handler)
    if (exchange.aborted) return
    try {
      exchange.run(openStream(on, request), request.body as Readable)
    } catch (error) {
      exchange.fail(error)
    }
  }

  return {
    interceptor,
    async close(): Promise<void> {
      await connecting?.catch(() => undefined)
      await Promise.all([...sessions.keys()].map(ended))
    },
  }
}

/** Lets a session end its streams, and waits for its own end. */
async function ended(session: ClientHttp2Session): Promise<void> {
  if (session.destroyed) return
  await new Promise<void>((resolve) => {
    session.once('close', resolve)
    session.close()
  })
}

/** @returns `undefined` when the upstream chooses HTTP/1.1 */
async function openSession(options: Http2Options): Promise<ClientHttp2Session | undefined> {
  const socket = await connect(options)
  if (socket.alpnProtocol !== 'h2') {
    socket.destroy()
    return undefined
  }
  const session = connectHttp2(options.upstream.origin, {
    createConnection: () => socket,
    maxHeaderListPairs: MAX_FIELDS,
    settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
  })
  session.on('error', () => {}) // its streams have failed, and 'close' follows
  session.once('connect', () => session.setLocalWindowSize(SESSION_WINDOW_BYTES))
  session.setTimeout(IDLE_MS, () => session.close())
  await settingsOf(session, options)
  return session
}

/** Waits for the first frame of the other side: how many streams it takes. What has more of them refuses those. */
function settingsOf(session: ClientHttp2Session, { connectTimeoutMs, clock }: Http2Options): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancelTimer = clock.setTimer(() => {
      reject(Object.assign(new Error('No settings in time'), { code: 'UND_ERR_CONNECT_TIMEOUT' }))
      session.destroy()
    }, connectTimeoutMs)
    session.once('remoteSettings', () => {
      cancelTimer()
      resolve()
    })
    session.once('close', () => {
      cancelTimer()
      reject(Object.assign(new Error('The connection was closed'), { code: 'ECONNRESET' }))
    })
  })
}

function connect({ upstream, ca, connectTimeoutMs, clock }: Http2Options): Promise<TLSSocket> {
  const host = upstream.hostname.replace(/^\[|\]$/g, '')
  const isAddress = /^[\d.]+$|:/.test(host)
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host,
      port: Number(upstream.port) || 443,
      ...(isAddress ? {} : { servername: host }),
      ...(ca === undefined ? {} : { ca }),
      ALPNProtocols: ['h2', 'http/1.1'],
    })
    const cancelTimer = clock.setTimer(() => {
      socket.destroy(Object.assign(new Error('No connection in time'), { code: 'UND_ERR_CONNECT_TIMEOUT' }))
    }, connectTimeoutMs)
    socket.setKeepAlive(true, IDLE_MS)
    socket.setNoDelay(true)
    socket.once('secureConnect', () => {
      cancelTimer()
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', reject)
    socket.once('close', () => cancelTimer())
  })
}
