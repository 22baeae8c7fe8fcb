import type { Clock, TimerOptions } from './clock.js'

const PARTS = 4
/** A timer that fires this much too late says that the process did not run; a busy one is late by less. */
const SUSPENDED_MS = 1_000
/** After a suspension: for what came meanwhile to be seen, but not for callers to wait as long once more. */
const MAX_GRACE_MS = 5_000

/**
 * A timer for the limit of a wait, such as that for an answer. A process that was suspended (SIGSTOP, a paused virtual
 * machine, a laptop's sleep) finds its timers due as soon as it runs again, before it has seen the answer that came
 * meanwhile: a plain timer would call that a timeout. This one waits in four parts, one after the other; a suspension
 * uses up one of them, and what is left is cut to 5 s.
 *
 * @param delayMs milliseconds, 0 or more.
 * @returns a function that cancels the timer.
 */
export function setAwakeTimer(
  clock: Clock,
  callback: () => unknown,
  delayMs: number,
  options?: TimerOptions,
): () => void {
  const partMs = delayMs / PARTS
  let cancel = () => {}
  const wait = (leftMs: number) => {
    const dueAtMs = clock.monotonicNow() + partMs
    const next = () => {
      const restMs = leftMs - partMs
      if (clock.monotonicNow() - dueAtMs >= SUSPENDED_MS) {
        const graceMs = Math.min(Math.max(restMs, partMs), MAX_GRACE_MS)
        cancel = clock.setTimer(callback, graceMs, options)
        return undefined
      }
      return restMs > partMs / 2 ? wait(restMs) : callback()
    }
    cancel = clock.setTimer(next, partMs, options)
  }
  wait(delayMs)
  return () => cancel()
}
