import { setAwakeTimer } from './awake-timer.js'
import type { Clock } from './clock.js'

/** What a bounded operation gives when it took too long. */
export const TIMED_OUT: unique symbol = Symbol('timed out')

/**
 * Bounds how long a caller waits for an operation that cannot be cancelled, such as a read from a dead network file
 * system. While one attempt hangs, no other is started: it holds one thread of the pool, never more.
 */
export function createBoundedOperation<T>(clock: Clock, timeoutMs: number, operation: () => Promise<T>) {
  let pending: Promise<T> | undefined
  return async (): Promise<T | typeof TIMED_OUT> => {
    if (pending) return TIMED_OUT
    const mine = operation().finally(() => {
      pending = undefined
    })
    pending = mine
    mine.catch(() => {}) // when it fails after the time is up, nobody is there to hear it
    let cancel = () => {}
    const timeUp = new Promise<typeof TIMED_OUT>((resolve) => {
      cancel = setAwakeTimer(clock, () => resolve(TIMED_OUT), timeoutMs)
    })
    try {
      return await Promise.race([mine, timeUp])
    } finally {
      cancel()
    }
  }
}
