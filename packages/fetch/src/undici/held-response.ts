import { MAX_DISCARD_BYTES, startDiscardTimer } from '../discard-limits.js'
import type { DispatchController } from './dispatch-types.js'

/** A response that is kept back while its 401 is judged, and then passed on or thrown away. */
export interface HeldResponse {
  /** Part of the body; tells whether to pause: not everything between undici and here honours the first pause. */
  data(chunk: Uint8Array, forward: () => void): boolean
  /** The end, or an error. */
  last(forward: () => unknown): void
  /** Passes on what was kept, and from now on everything at once. */
  forward(): void
  /** Reads the rest for the connection's sake, within limits, or breaks the connection; calls `then` once. */
  discard(controller: DispatchController, then: () => void): void
}

/** @param start passes on the beginning: status and headers. */
export function createHeldResponse(start: () => void): HeldResponse {
  let state: 'held' | 'passing' | 'discarded' = 'held'
  let events: (() => unknown)[] = [start]
  let ended = false
  let discardedBytes = 0
  let finishDiscard = (_breakConnection: boolean) => {}

  return {
    data(chunk, forward) {
      if (state === 'passing') forward()
      else if (state === 'held') events.push(forward)
      else {
        discardedBytes += chunk.byteLength
        if (discardedBytes > MAX_DISCARD_BYTES) finishDiscard(true)
      }
      return state === 'held'
    },
    last(forward) {
      if (state === 'passing') {
        forward()
        return
      }
      ended = true
      if (state === 'held') events.push(forward)
      else finishDiscard(false)
    },
    forward() {
      state = 'passing'
      for (const event of events) event()
      events = []
    },
    discard(controller, then) {
      state = 'discarded'
      events = []
      if (ended) return then()
      const cancelTimer = startDiscardTimer(() => finishDiscard(true))
      let finished = false
      finishDiscard = (breakConnection) => {
        if (finished) return
        finished = true
        cancelTimer()
        if (breakConnection) controller.abort(new Error('The body of a 401 response was not worth reading'))
        then()
      }
      controller.resume()
    },
  }
}
