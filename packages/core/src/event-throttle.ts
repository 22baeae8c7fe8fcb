import type { Clock } from './clock.js'

/** A rotation causes about seven events, so most of them pass at once. */
const BURST = 10
/** In a directory that never rests, such as a shared /tmp, this is the pace. */
const REFILL_MS = 100

/** Lets a burst of events pass at once and slows a storm down; the last event of a storm is never lost. */
export function createEventThrottle(clock: Clock, pass: () => void) {
  let allowance = BURST
  let lastMs = clock.monotonicNow()
  let cancel: (() => void) | undefined
  return {
    event() {
      if (cancel) return // a later pass will answer this event, too
      const nowMs = clock.monotonicNow()
      allowance = Math.min(BURST, allowance + (nowMs - lastMs) / REFILL_MS)
      lastMs = nowMs
      if (allowance >= 1) {
        allowance--
        pass()
        return
      }
      cancel = clock.setTimer(() => {
        cancel = undefined
        pass()
      }, REFILL_MS)
    },
    close() {
      cancel?.()
    },
  }
}
