import type { Clock, TimerOptions } from './clock.js'
import { WAKE_GRACE_MS } from './freshness.js'
import { addWakeCheck, WAKE_CHECK_MS } from './wake-checks.js'

/** When the file is read again without being asked to. */
export interface ReadTimer {
  /** The next read is this far ahead, rounded up to whole milliseconds. It replaces the one before. */
  set(delayMs: number): void
  cancel(): void
  /** Whole milliseconds until then; 0 when it is over. */
  leftMs(): number
}

/**
 * Makes the timer of a watcher's reads. Timers stand still while a machine sleeps, and do not notice when the wall
 * clock, by which tokens are rotated and expire, is set: so the two clocks are compared meanwhile. When the wall clock
 * went ahead, the read is due at once.
 */
export function createReadTimer(clock: Clock, options: TimerOptions, read: () => unknown): ReadTimer {
  let dueMonotonicMs = clock.monotonicNow()
  let cancelTimer = () => {}
  let endChecks = () => {}

  const wallAheadMs = () => clock.now() - clock.monotonicNow()
  const cancel = () => {
    cancelTimer()
    endChecks()
  }
  return {
    set(delayMs) {
      cancel()
      const waitMs = Math.ceil(delayMs)
      dueMonotonicMs = clock.monotonicNow() + waitMs
      cancelTimer = clock.setTimer(read, waitMs, options)
      if (waitMs <= WAKE_CHECK_MS) return
      let leastAheadMs = wallAheadMs()
      endChecks = addWakeCheck(clock, () => {
        const aheadMs = wallAheadMs()
        if (aheadMs - leastAheadMs >= WAKE_GRACE_MS) return read()
        // A clock that was set back hides no sleep that follows.
        leastAheadMs = Math.min(leastAheadMs, aheadMs)
      })
    },
    cancel,
    leftMs: () => Math.max(0, Math.ceil(dueMonotonicMs - clock.monotonicNow())),
  }
}
