import type { Clock } from './clock.js'

/** A rotation causes about seven events, answered by two or three reads: several in a row pass without delay. */
const BURST = 20
/** In a directory that never rests, such as a shared /tmp, this is the pace: 50 small reads a second. */
const REFILL_MS = 20

/**
 * Lets a burst of events cause reads at once and slows a storm down; the last event of a storm is never lost.
 *
 * @param isQueued whether a read that has not begun yet will answer the event anyway.
 */
export function createEventThrottle(clock: Clock, isQueued: () => boolean, read: () => void) {
  let allowance = BURST
  let lastMs = clock.monotonicNow()
  let cancel: (() => void) | undefined
  return {
    event() {
      if (cancel || isQueued()) return
      const nowMs = clock.monotonicNow()
      allowance = Math.min(BURST, allowance + (nowMs - lastMs) / REFILL_MS)
      lastMs = nowMs
      if (allowance >= 1) {
        allowance--
        read()
        return
      }
      cancel = clock.setTimer(() => {
        cancel = undefined
        allowance = 0
        lastMs = clock.monotonicNow()
        read()
      }, REFILL_MS)
    },
    close() {
      cancel?.()
    },
  }
}
