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
      const ending = watchEnding(stream)
      const brokenOff = () =>
        fail(Object.assign(new Error('The stream was closed'), { code: 'ERR_HTTP2_STREAM_CLOSED' }))
      stream.on('response', (headers) => {
        const { status, fields } = split(headers)
        tell(() => handler.onResponseStart?.(controller, status, fields, ''))
        // Not before: a listener of 'data' starts the flow, and Node may emit a chunk before the head it came with.
        given.on('data', (chunk: Buffer) => {
          if (!settled) tell(() => handler.onResponseData?.(controller, chunk))
        })
        given.on('end', () => {
          if (settled || !ending.isWhole) return
          tell(() => handler.onResponseEnd?.(controller, trailers))
          settled = true
        })
        if (controller.paused) given.pause()
      })
      stream.on('trailers', (received) => {
        trailers = received
      })
      stream.on('error', fail)
      stream.on('close', brokenOff)
      sendBody(given, body, (error) => controller.abort(error))
    },
  }
}

/**
 * Tells the end of a message (END_STREAM) from a RST_STREAM with NO_ERROR, with which a server may cut it short: Node
 * emits 'end' for both, but has closed the stream before it pushes the end of one that was reset. What ends otherwise
 * than `content-length` says is nghttp2's to refuse.
 */
function watchEnding(stream: ClientHttp2Stream): { readonly isWhole: boolean } {
  const ending = { isWhole: false }
  const push = stream.push
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk === null && !stream.closed) ending.isWhole = true
    return push.call(stream, chunk, encoding)
  }
  return ending
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
  const onClosed = () => {
    if (!source.readableEnded) onBroken(new Error('The body broke off'))
  }
  // Not pipeline(): a server may close a stream to stop the upload only, with its response still to be read.
  const stop = () => {
    source.off('close', onClosed)
    source.unpipe(stream)
    source.destroy()
  }
  source.pipe(stream)
  source.once('error', onBroken)
  source.once('close', onClosed)
  stream.once('aborted', stop)
  stream.once('close', stop)
}

function split(headers: IncomingHttpHeaders & { ':status'?: number | undefined }) {
  const fields: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(':') && value !== undefined) fields[name] = value as string | string[]
  }
  return { status: Number(headers[':status']), fields }
}
