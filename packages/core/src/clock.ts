/** Node's longest timer: a longer one fires after 1 ms instead. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Options of {@link Clock.setTimer}. */
export interface TimerOptions {
  /** Whether the timer keeps the process running. @default false */
  keepAlive?: boolean
}

/** Time as a parameter: the real one by default, a fake one in tests. */
export interface Clock {
  /** Wall clock: Unix time in milliseconds. It may jump. Compared only with times that a server wrote (`exp`). */
  now(): number
  /** Milliseconds since an arbitrary moment; never goes back. */
  monotonicNow(): number
  /**
   * Calls `callback` once, `delayMs` (0 or more, without upper bound) from now by the monotonic clock. What the
   * callback returns is ignored by the real clock; a fake clock awaits it before time goes on.
   *
   * @returns a function that cancels the timer; calling it again, or late, does nothing.
   */
  setTimer(callback: () => unknown, delayMs: number, options?: TimerOptions): () => void
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
  setTimer(callback, delayMs, options) {
    let handle: NodeJS.Timeout
    const wait = (remainingMs: number) => {
      const stepMs = Math.min(remainingMs, MAX_TIMER_MS)
      handle = setTimeout(() => (remainingMs > stepMs ? wait(remainingMs - stepMs) : callback()), stepMs)
      if (!options?.keepAlive) handle.unref()
    }
    wait(Math.max(0, delayMs))
    return () => clearTimeout(handle)
  },
}
