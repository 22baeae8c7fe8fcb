import { setAwakeTimer } from './awake-timer.js'
import type { Clock } from './clock.js'
import type { Token } from './token.js'

/** Callers that wait for a watcher's first good token. */
export interface FirstToken {
  /** Fulfils with the first token; rejects when the start-up time is over. */
  wait(): Promise<Token>
  /** Whether the start-up time is over. */
  isOver(): boolean
  resolve(token: Token): void
  reject(error: Error): void
}

/** @param reason why there is no token yet, for those who waited in vain. */
export function createFirstToken(clock: Clock, timeoutMs: number, reason: () => Error): FirstToken {
  const deadlineMs = clock.monotonicNow() + timeoutMs
  let waiters:
    | { promise: Promise<Token>; isEnded: boolean; resolve(token: Token): void; reject(error: Error): void }
    | undefined

  const open = () => {
    let resolve: (token: Token) => void = () => {}
    let reject: (error: Error) => void = () => {}
    const promise = new Promise<Token>((onResolve, onReject) => {
      resolve = onResolve
      reject = onReject
    })
    // Somebody waits for this, so it holds the process, which may have nothing else to do.
    const timeUp = () => waiting.reject(reason())
    const cancel = setAwakeTimer(clock, timeUp, Math.max(0, deadlineMs - clock.monotonicNow()), {
      keepAlive: true,
    })
    const waiting = {
      promise,
      isEnded: false,
      resolve(token: Token) {
        cancel()
        waiting.isEnded = true
        resolve(token)
      },
      reject(error: Error) {
        cancel()
        waiting.isEnded = true
        reject(error)
      },
    }
    return waiting
  }
  return {
    wait() {
      waiters ??= open()
      return waiters.promise
    },
    // While somebody waits, the end is that of the wait: a suspension may have passed the deadline.
    isOver: () => waiters?.isEnded ?? clock.monotonicNow() >= deadlineMs,
    resolve: (token) => waiters?.resolve(token),
    reject: (error) => waiters?.reject(error),
  }
}
