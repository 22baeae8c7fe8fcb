import type { Readable } from 'node:stream'
import type { Clock } from '@projected-token/core'
import type { Dispatcher } from 'undici'

/**
 * Bounds the time from the end of a request to the beginning of its response. undici's `headersTimeout` does not: it
 * begins anew with each interim response (1xx), of which a server may send as many as it likes (RFC 9110, section 15.2).
 */
export function headersDeadline(clock: Clock, timeoutMs: number): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (request, handler) =>
    dispatch(request, new DeadlineHandler(handler, request.body, (late) => clock.setTimer(late, timeoutMs)))
}

/** Its methods are on a prototype: one is made for every request. */
class DeadlineHandler implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler
  /** What is sent while it is read; anything else is sent at once. */
  readonly #body: Readable | undefined
  readonly #setTimer: (late: () => void) => () => void
  #cancelTimer: (() => void) | undefined
  #isOver = false

  constructor(
    handler: Dispatcher.DispatchHandler,
    body: unknown,
    setTimer: (late: () => void) => () => void,
  ) {
    this.#handler = handler
    this.#body = typeof (body as Readable | null)?.once === 'function' ? (body as Readable) : undefined
    this.#setTimer = setTimer
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    const start = () => {
      if (this.#isOver || this.#cancelTimer) return
      this.#cancelTimer = this.#setTimer(() => {
        controller.abort(
          Object.assign(new Error('No response headers in time'), { code: 'UND_ERR_HEADERS_TIMEOUT' }),
        )
      })
    }
    if (this.#body && !this.#body.readableEnded) this.#body.once('end', start)
    else start()
    this.#handler.onRequestStart?.(controller, context)
  }

  onRequestUpgrade(...event: Parameters<NonNullable<Dispatcher.DispatchHandler['onRequestUpgrade']>>): void {
    this.#end()
    this.#handler.onRequestUpgrade?.(...event)
  }

  onResponseStart(...event: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>): void {
    const [, status] = event
    if (status >= 200) this.#end()
    this.#handler.onResponseStart?.(...event)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#handler.onResponseData?.(controller, chunk)
  }

  onResponseEnd(...event: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>): void {
    this.#handler.onResponseEnd?.(...event)
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#end()
    this.#handler.onResponseError?.(controller, error)
  }

  #end(): void {
    this.#isOver = true
    this.#cancelTimer?.()
  }
}
