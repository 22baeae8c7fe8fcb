/**
 * A fake clock that does the least: it fires what is due and awaits what the callback returns, as `Clock` asks of it.
 * createFakeClock() of the testing package also lets the event loop come to rest at each timer, which takes several times
 * as long as a read. With it, a million rotations would take hours.
 */
export function createBareClock(startMs) {
  let elapsedMs = 0
  const timers = new Set()

  function earliestUntil(limitMs) {
    let first
    for (const timer of timers) {
      if (timer.atMs <= limitMs && (first === undefined || timer.atMs < first.atMs)) first = timer
    }
    return first
  }

  return {
    now: () => Math.floor(startMs + elapsedMs),
    monotonicNow: () => elapsedMs,
    setTimer(callback, delayMs) {
      const timer = { callback, atMs: elapsedMs + Math.max(0, delayMs) }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(ms) {
      const untilMs = elapsedMs + ms
      for (let timer = earliestUntil(untilMs); timer; timer = earliestUntil(untilMs)) {
        timers.delete(timer)
        elapsedMs = Math.max(elapsedMs, timer.atMs)
        await timer.callback()
      }
      elapsedMs = untilMs
    },
    get pendingTimers() {
      return timers.size
    },
  }
}
