import type { Clock } from './clock.js'

/**
 * How soon after its end a sleep is noticed though nobody asks for the token. A kubelet that is on time replaces a
 * token of 600 s, the shortest life there is, at least 30 s before it expires.
 */
export const WAKE_CHECK_MS = 20_000

interface Checks {
  readonly all: Set<() => void>
  cancel(): void
}

/** One timer for all of a clock: a thousand watchers would wake an idle processor fifty times a second. */
const ofClock = new WeakMap<Clock, Checks>()

/**
 * Calls a function every {@link WAKE_CHECK_MS}, at least, while the process runs; does not hold it.
 *
 * @returns ends it
 */
export function addWakeCheck(clock: Clock, check: () => void): () => void {
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
  const all = new Set<() => void>()
  let cancel = () => {}
  const wait = () => {
    cancel = clock.setTimer(fire, WAKE_CHECK_MS, { keepAlive: false })
  }
  const fire = () => {
    wait()
    for (const check of [...all]) check()
  }
  wait()
  const checks = { all, cancel: () => cancel() }
  ofClock.set(clock, checks)
  return checks
}
