import { defaultMaxListeners, getMaxListeners, setMaxListeners } from 'node:events'

/** Lets one caller stop waiting for a shared promise; the promise itself goes on for the others. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) {
      promise.catch(() => {}) // nobody is left to hear of it
      return abort()
    }
    // One signal for many callers (a server's shutdown) is no leak. Whoever set a limit of their own keeps it.
    const isNative = signal instanceof EventTarget
    if (isNative && getMaxListeners(signal) === defaultMaxListeners)
      setMaxListeners(Number.POSITIVE_INFINITY, signal)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
