import type { Clock } from './clock.js'

/**
 * How soon after its end a sleep is noticed though nobody asks for the token. A kubelet that is on time replaces a
 * token of 600 s, the shortest life there is, at least 30 s before it expires.
 */
export const WAKE_CHECK_MS = 20_000

interface Checks {
  readonly all: Set<() => unknown>
  cancel(): void
}

/** One timer for all of a clock: a thousand watchers would wake an idle processor fifty times a second. */
const ofClock = new WeakMap<Clock, Checks>()

/**
 * Calls a function every {@link WAKE_CHECK_MS}, at least, while the process runs; does not hold it. What it
 * returns is what the timer's callback returns: a fake clock awaits it.
 *
 * @returns ends it
 */
export function addWakeCheck(clock: Clock, check: () => unknown): () => void {
  const checks = ofClock.get(clock) ?? start(clock)
  checks.all.add(check)
  return () => {
    checks.all.delete(check)
    if (checks.all.size > 0 || ofClock.get(clock) !== checks) return
    checks.cancel()
    ofClock.delete(clock)
  }
}

function start(clock: Clock): Checks {
  const all = new Set<() => unknown>()
  let cancel = () => {}
  const wait = () => {
    cancel = clock.setTimer(fire, WAKE_CHECK_MS, { keepAlive: false })
  }
  const fire = () => {
    wait()
    return Promise.all([...all].map((check) => check()))
  }
  wait()
  const checks = { all, cancel: () => cancel() }
  ofClock.set(clock, checks)
  return checks
}
