import type { DispatchController } from './dispatch-types.js'

/** The one controller that the caller holds, whichever attempt is under way. */
export interface RelayController extends DispatchController {
  /** The attempt that pauses, resumes and raw headers are about from now on. */
  attach(attempt: DispatchController): void
  /** Pauses the attempt; the caller's pause and resume wait for {@link RelayController.release}. */
  hold(): void
  /** Lets the attempt go on, unless the caller paused. */
  release(): void
}

/** @param onAbort hears of the caller's abort, once. */
export function createRelayController(onAbort: (reason: unknown) => void): RelayController {
  let attempt: DispatchController | undefined
  let held = false
  let paused = false
  let aborted = false
  let reason: unknown = null
  return {
    get aborted() {
      return aborted || (attempt?.aborted ?? false)
    },
    get paused() {
      return paused
    },
    get reason() {
      return aborted ? reason : (attempt?.reason ?? null)
    },
    get rawHeaders() {
      return attempt?.rawHeaders ?? null
    },
    set rawHeaders(value) {
      if (attempt !== undefined) attempt.rawHeaders = value
    },
    get rawTrailers() {
      return attempt?.rawTrailers ?? null
    },
    set rawTrailers(value) {
      if (attempt !== undefined) attempt.rawTrailers = value
    },
    pause() {
      paused = true
      if (!held) attempt?.pause()
    },
    resume() {
      paused = false
      if (!held) attempt?.resume()
    },
    abort(why) {
      if (aborted) return
      aborted = true
      reason = why
      onAbort(why)
    },
    attach(next) {
      attempt = next
      held = false
      if (paused) attempt.pause()
    },
    hold() {
      held = true
      attempt?.pause()
    },
    release() {
      held = false
      if (!paused) attempt?.resume()
    },
  }
}
