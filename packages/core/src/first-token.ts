import { setAwakeTimer } from './awake-timer.js'
import type { Clock } from './clock.js'
import type { Token } from './token.js'

/** Callers that wait for a provider's first token; they share one promise. */
export interface FirstToken {
  /**
   * Fulfils with the first token; rejects when the start-up time is over. Once one of them has happened, it does so at
   * once. It holds the process, but no longer when the signals of all who wait have aborted.
   *
   * @param signal of this caller, who by then hears of it elsewhere (`abortable`): the promise goes on for others.
   */
  wait(signal?: AbortSignal): Promise<Token>
  /** Whether the start-up time is over, or nothing is to be hoped for. */
  isOver(): boolean
  /** Gives the token to all who wait. */
  resolve(token: Token): void
  /** Ends the start-up time: all who wait hear why. */
  reject(error: Error): void
}

/**
 * Makes the wait for a first token: all who ask share one promise, and it ends with the start-up time.
 *
 * @param timeoutMs from now; a suspension counts as a part of it only.
 * @param reason why there is no token yet, for those who waited in vain.
 */
export function createFirstToken(clock: Clock, timeoutMs: number, reason: () => Error): FirstToken {
  const deadlineMs = clock.monotonicNow() + timeoutMs
  let isEnded = false
  let waiters: PromiseWithResolvers<Token> | undefined
  let waiting = 0
  let cancel = () => {}

  const end = (settle: (waiters: PromiseWithResolvers<Token>) => void) => {
    isEnded = true
    cancel()
    if (!waiters) {
      waiters = withResolvers<Token>()
      waiters.promise.catch(() => {}) // nobody waits yet, and perhaps nobody ever will
    }
    settle(waiters)
  }
  const begin = () => {
    waiting = 0
    // Somebody waits for this, so it holds the process, which may have nothing else to do.
    const leftMs = Math.max(0, deadlineMs - clock.monotonicNow())
    cancel = setAwakeTimer(clock, () => reject(reason()), leftMs, { keepAlive: true })
    return withResolvers<Token>()
  }
  const leave = () => {
    if (--waiting > 0 || isEnded) return
    cancel()
    waiters = undefined
  }
  const reject = (error: Error) => end((all) => all.reject(error))
  return {
    wait(signal) {
      waiters ??= begin()
      waiting++
      const { promise } = waiters
      if (signal) {
        // A function of this caller's own: a signal that many share takes the same one only once.
        const gone = () => leave()
        signal.addEventListener('abort', gone, { once: true })
        const forget = () => signal.removeEventListener('abort', gone)
        promise.then(forget, forget)
      }
      return promise
    },
    // While somebody waits, the end is that of the wait: a suspension may have passed the deadline.
    isOver: () => isEnded || (!waiters && clock.monotonicNow() >= deadlineMs),
    resolve: (token) => end((all) => all.resolve(token)),
    reject,
  }
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: Error): void
}

/** `Promise.withResolvers()`, which Node 20 does not have. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
