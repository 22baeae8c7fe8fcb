import type { Clock, TimerOptions } from './clock.js'

/** A suspension of any length then uses up a quarter of the limit at most. */
const PARTS = 4

/**
 * A timer for the limit of a wait, such as that for an answer. A process that was suspended (SIGSTOP, a paused virtual
 * machine, a laptop's sleep) finds its timers due as soon as it runs again, before it has seen the answer that came
 * meanwhile: a plain timer would call that a timeout. This one waits in four parts, one after the other, so that only
 * time in which the process ran uses up more than one of them.
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
  let cancel = () => {}
  const wait = (parts: number) => {
    cancel = clock.setTimer(() => (parts > 1 ? wait(parts - 1) : callback()), delayMs / PARTS, options)
  }
  wait(PARTS)
  return () => cancel()
}
