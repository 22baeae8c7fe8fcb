import type { DispatchController, DispatchHandler, LegacyHandler } from './dispatch-types.js'

/** Whether a handler has the methods of undici 6; undici 7's own wrapper has both kinds and counts as new. */
export function isLegacy(handler: DispatchHandler | LegacyHandler): handler is LegacyHandler {
  return typeof (handler as DispatchHandler).onRequestStart !== 'function'
}

/**
 * An undici 6 handler as one of undici 7. Made for {@link toLegacy} on the other side: headers and trailers stay as
 * undici 6 gave them. (undici 7 has such wrappers too, but does not export them, and they parse every header.)
 */
export function fromLegacy(handler: LegacyHandler): DispatchHandler {
  return {
    onRequestStart: (controller, context) => handler.onConnect((reason) => controller.abort(reason), context),
    onRequestUpgrade: (_controller, status, headers, socket) => handler.onUpgrade(status, headers, socket),
    onResponseStart(controller, status, headers, message) {
      const answer = handler.onHeaders(status, headers, () => controller.resume(), message)
      // undici 6 pauses on `false`, but not after an informational response, where fetch returns it too.
      if (answer === false && status >= 200) controller.pause()
    },
    onResponseData(controller, chunk) {
      if (handler.onData(chunk) === false) controller.pause()
    },
    onResponseEnd: (_controller, trailers) => handler.onComplete(trailers),
    onResponseError: (_controller, error) => handler.onError(error),
    onResponseStarted: () => handler.onResponseStarted?.(),
    onBodySent: (chunk, total) => handler.onBodySent?.(chunk, total),
    onRequestSent: () => handler.onRequestSent?.(),
  }
}

/** A handler of undici 7 as undici 6 takes it. */
export function toLegacy(handler: DispatchHandler): LegacyHandler {
  let controller = createController(() => {})
  return {
    onConnect(abort, context) {
      controller = createController(abort)
      handler.onRequestStart?.(controller, context)
    },
    onUpgrade: (status, headers, socket) => handler.onRequestUpgrade?.(controller, status, headers, socket),
    onHeaders(status, headers, resume, message) {
      controller.resumeWith(resume)
      handler.onResponseStart?.(controller, status, headers, message)
      return !controller.paused
    },
    onData(chunk) {
      handler.onResponseData?.(controller, chunk)
      return !controller.paused
    },
    onComplete: (trailers) => handler.onResponseEnd?.(controller, trailers),
    onError: (error) => handler.onResponseError?.(controller, error),
    onResponseStarted: () => handler.onResponseStarted?.(),
    onBodySent: (chunk, total) => handler.onBodySent?.(chunk, total),
    onRequestSent: () => handler.onRequestSent?.(),
  }
}

function createController(abort: (reason?: unknown) => void) {
  let resume = () => {}
  let paused = false
  let aborted = false
  let reason: unknown = null
  const controller: DispatchController & { resumeWith(next: () => void): void } = {
    get aborted() {
      return aborted
    },
    get paused() {
      return paused
    },
    get reason() {
      return reason
    },
    pause() {
      paused = true
    },
    resume() {
      if (!paused) return
      paused = false
      resume()
    },
    abort(why) {
      if (aborted) return
      aborted = true
      reason = why
      abort(why)
    },
    resumeWith(next) {
      resume = next
    },
  }
  return controller
}
