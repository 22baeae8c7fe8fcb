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

/**
 * A class, because there is one for every request: an object literal with as many accessors takes longer to make than
 * the rest of an exchange.
 */
class AttemptRelay implements RelayController {
  readonly #onAbort: (reason: unknown) => void
  #attempt: DispatchController | undefined
  #held = false
  #paused = false
  #aborted = false
  #reason: unknown = null

  constructor(onAbort: (reason: unknown) => void) {
    this.#onAbort = onAbort
  }

  get aborted(): boolean {
    return this.#aborted || (this.#attempt?.aborted ?? false)
  }

  get paused(): boolean {
    return this.#paused
  }

  get reason(): unknown {
    return this.#aborted ? this.#reason : (this.#attempt?.reason ?? null)
  }

  get rawHeaders(): unknown {
    return this.#attempt?.rawHeaders ?? null
  }

  set rawHeaders(value: unknown) {
    if (this.#attempt !== undefined) this.#attempt.rawHeaders = value
  }

  get rawTrailers(): unknown {
    return this.#attempt?.rawTrailers ?? null
  }

  set rawTrailers(value: unknown) {
    if (this.#attempt !== undefined) this.#attempt.rawTrailers = value
  }

  pause(): void {
    this.#paused = true
    if (!this.#held) this.#attempt?.pause()
  }

  resume(): void {
    this.#paused = false
    if (!this.#held) this.#attempt?.resume()
  }

  abort(reason: unknown): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason
    this.#onAbort(reason)
  }

  attach(attempt: DispatchController): void {
    this.#attempt = attempt
    this.#held = false
    if (this.#paused) attempt.pause()
  }

  hold(): void {
    this.#held = true
    this.#attempt?.pause()
  }

  release(): void {
    this.#held = false
    if (!this.#paused) this.#attempt?.resume()
  }
}

/** @param onAbort hears of the caller's abort, once. */
export function createRelayController(onAbort: (reason: unknown) => void): RelayController {
  return new AttemptRelay(onAbort)
}
