import type { Clock, TimerOptions } from './clock.js'
import { WAKE_GRACE_MS } from './freshness.js'

/**
 * How soon after its end a sleep is noticed though nobody asks for the token. A kubelet that is on time replaces a
 * token of 600 s, the shortest life there is, at least 30 s before it expires.
 */
const WAKE_CHECK_MS = 20_000

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
 * clock, by which tokens are rotated and expire, is set: so a long wait is made of short ones, each of which compares
 * the two clocks and does nothing else. When the wall clock went ahead, the read is due at once.
 */
export function createReadTimer(clock: Clock, options: TimerOptions, read: () => unknown): ReadTimer {
  let dueMonotonicMs = clock.monotonicNow()
  let cancel = () => {}

  const leftMs = () => Math.max(0, Math.ceil(dueMonotonicMs - clock.monotonicNow()))
  const wallAheadMs = () => clock.now() - clock.monotonicNow()
  const wait = () => {
    const beforeMs = wallAheadMs()
    const fire = () => (leftMs() === 0 || wallAheadMs() - beforeMs >= WAKE_GRACE_MS ? read() : wait())
    cancel = clock.setTimer(fire, Math.min(leftMs(), WAKE_CHECK_MS), options)
  }
  return {
    set(delayMs) {
      cancel()
      dueMonotonicMs = clock.monotonicNow() + Math.ceil(delayMs)
      wait()
    },
    cancel: () => cancel(),
    leftMs,
  }
}
