import type { DispatchController, DispatchHandler, LegacyHandler } from './dispatch-types.js'

/** Whether a handler has the methods of undici 6; undici 7's own wrapper has both kinds and counts as new. */
export function isLegacy(handler: DispatchHandler | LegacyHandler): handler is LegacyHandler {
  return typeof (handler as DispatchHandler).onRequestStart !== 'function'
}

/*
 * Classes, and methods on their prototypes: one of each is made for every request, and a literal of closures costs as
 * much as undici's own part of the work.
 */

/**
 * An undici 6 handler as one of undici 7. Made for {@link toLegacy} on the other side: headers and trailers stay as
 * undici 6 gave them. (undici 7 has such wrappers too, but does not export them, and they parse every header.)
 */
class FromLegacy implements DispatchHandler {
  readonly #handler: LegacyHandler

  constructor(handler: LegacyHandler) {
    this.#handler = handler
  }

  onRequestStart(controller: DispatchController, context: unknown): void {
    this.#handler.onConnect((reason) => controller.abort(reason), context)
  }

  onRequestUpgrade(
    _controller: DispatchController,
    status: number,
    headers: unknown,
    socket: unknown,
  ): unknown {
    return this.#handler.onUpgrade(status, headers, socket)
  }

  onResponseStart(controller: DispatchController, status: number, headers: unknown, message?: string): void {
    const answer = this.#handler.onHeaders(status, headers, () => controller.resume(), message)
    // undici 6 pauses on `false`, but not after an informational response, where fetch returns it too.
    if (answer === false && status >= 200) controller.pause()
  }

  onResponseData(controller: DispatchController, chunk: Uint8Array): void {
    if (this.#handler.onData(chunk) === false) controller.pause()
  }

  onResponseEnd(_controller: DispatchController, trailers: unknown): void {
    this.#handler.onComplete(trailers)
  }

  onResponseError(_controller: DispatchController | null, error: unknown): void {
    this.#handler.onError(error)
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.()
  }

  onBodySent(chunk: unknown, total?: unknown): void {
    this.#handler.onBodySent?.(chunk, total)
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.()
  }
}

/** What {@link ToLegacy} gives its handler to control the response with. */
class LegacyController implements DispatchController {
  readonly #abort: (reason?: unknown) => void
  #resume = () => {}
  #paused = false
  #aborted = false
  #reason: unknown = null

  constructor(abort: (reason?: unknown) => void) {
    this.#abort = abort
  }

  get aborted(): boolean {
    return this.#aborted
  }

  get paused(): boolean {
    return this.#paused
  }

  get reason(): unknown {
    return this.#reason
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#resume()
  }

  abort(reason: unknown): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason
    this.#abort(reason)
  }

  resumeWith(resume: () => void): void {
    this.#resume = resume
  }
}

const NOTHING_TO_CONTROL = new LegacyController(() => {})

/** A handler of undici 7 as undici 6 takes it. */
class ToLegacy implements LegacyHandler {
  readonly #handler: DispatchHandler
  /** Before `onConnect` there is nothing to control: only an error can come. */
  #controller: LegacyController = NOTHING_TO_CONTROL

  constructor(handler: DispatchHandler) {
    this.#handler = handler
  }

  onConnect(abort: (reason?: unknown) => void, context?: unknown): void {
    this.#controller = new LegacyController(abort)
    this.#handler.onRequestStart?.(this.#controller, context)
  }

  onUpgrade(status: number, headers: unknown, socket: unknown): unknown {
    return this.#handler.onRequestUpgrade?.(this.#controller, status, headers, socket)
  }

  onHeaders(status: number, headers: unknown, resume: () => void, message?: string): unknown {
    this.#controller.resumeWith(resume)
    this.#handler.onResponseStart?.(this.#controller, status, headers, message)
    return !this.#controller.paused
  }

  onData(chunk: Uint8Array): unknown {
    this.#handler.onResponseData?.(this.#controller, chunk)
    return !this.#controller.paused
  }

  onComplete(trailers: unknown): void {
    this.#handler.onResponseEnd?.(this.#controller, trailers)
  }

  onError(error: unknown): void {
    this.#handler.onResponseError?.(this.#controller, error)
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.()
  }

  onBodySent(chunk: unknown, total?: unknown): void {
    this.#handler.onBodySent?.(chunk, total)
  }

  onRequestSent(): void {
    this.#handler.onRequestSent?.()
  }
}

/** @see FromLegacy */
export function fromLegacy(handler: LegacyHandler): DispatchHandler {
  return new FromLegacy(handler)
}

/** @see ToLegacy */
export function toLegacy(handler: DispatchHandler): LegacyHandler {
  return new ToLegacy(handler)
}
