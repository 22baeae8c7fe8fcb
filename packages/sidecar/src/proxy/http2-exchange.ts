import type { ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'

/** RFC 9113, section 7: "the stream is no longer needed". */
const CANCEL = 8

type Body = Readable | Uint8Array | string | null | undefined

/** A request of a client on its way through HTTP/2; the stream comes when there is a session. */
export interface Http2Exchange {
  readonly aborted: boolean
  /** Sends the body and passes on what comes back. */
  run(stream: ClientHttp2Stream, body: Body): void
  fail(error: unknown): void
}

/** What undici's handlers are told, by the events of one HTTP/2 stream. */
export function createHttp2Exchange(handler: Dispatcher.DispatchHandler): Http2Exchange {
  let stream: ClientHttp2Stream | undefined
  let settled = false

  const controller = {
    aborted: false,
    paused: false,
    reason: null as Error | null,
    rawHeaders: null,
    rawTrailers: null,
    abort(reason: Error) {
      if (settled) return
      controller.aborted = true
      controller.reason = reason
      fail(reason)
    },
    pause() {
      controller.paused = true
      stream?.pause()
    },
    resume() {
      controller.paused = false
      stream?.resume()
    },
  }

  function fail(error: unknown): void {
    if (settled) return
    settled = true
    stream?.close(CANCEL)
    handler.onResponseError?.(controller, error as Error)
  }

  /** What a handler throws ends its request, as in undici. */
  function tell(event: () => void): void {
    try {
      event()
    } catch (error) {
      fail(error)
    }
  }

  tell(() => handler.onRequestStart?.(controller, null as never))

  return {
    get aborted() {
      return settled
    },
    fail,
    run(given, body) {
      stream = given
      let trailers = {}
      const brokenOff = () =>
        fail(Object.assign(new Error('The stream was closed'), { code: 'ERR_HTTP2_STREAM_CLOSED' }))
      stream.on('response', (headers) => {
        const { status, fields } = split(headers)
        tell(() => handler.onResponseStart?.(controller, status, fields, ''))
      })
      stream.on('data', (chunk: Buffer) => {
        if (!settled) tell(() => handler.onResponseData?.(controller, chunk))
      })
      stream.on('trailers', (received) => {
        trailers = received
      })
      stream.on('end', () => {
        if (settled || given.rstCode !== 0 || given.aborted) return
        tell(() => handler.onResponseEnd?.(controller, trailers))
        settled = true
      })
      stream.on('error', fail)
      stream.on('close', brokenOff)
      sendBody(given, body, (error) => controller.abort(error))
    },
  }
}

/** Whether there is a body to send; an empty one is none. */
export function isEmptyBody(body: Body): boolean {
  if (body === null || body === undefined || body === '') return true
  return body instanceof Uint8Array && body.length === 0
}

function sendBody(stream: ClientHttp2Stream, body: Body, onBroken: (error: Error) => void): void {
  if (isEmptyBody(body)) return
  if (typeof body === 'string' || body instanceof Uint8Array) {
    stream.end(body)
    return
  }
  const source = body as Readable
  // Not pipeline(): it would end the client's connection when the upstream has answered before the body's end.
  source.pipe(stream)
  source.once('error', onBroken)
  source.once('close', () => {
    if (!source.readableEnded) onBroken(new Error('The body broke off'))
  })
  stream.once('close', () => source.unpipe(stream))
}

function split(headers: IncomingHttpHeaders & { ':status'?: number | undefined }) {
  const fields: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(':') && value !== undefined) fields[name] = value as string | string[]
  }
  return { status: Number(headers[':status']), fields }
}
