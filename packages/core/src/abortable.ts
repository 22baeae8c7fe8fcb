import { defaultMaxListeners, getMaxListeners, setMaxListeners } from 'node:events'

/**
 * Waits for a shared promise until the signal aborts; the promise itself goes on for others.
 *
 * @param start gives the promise; not called when the signal is aborted already, or none.
 */
export function abortable<T>(start: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return start()
  if (typeof signal?.addEventListener !== 'function') {
    return Promise.reject(new TypeError("The option 'signal' must be an AbortSignal"))
  }
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    // One signal for many callers (a server's shutdown) is no leak. Whoever set a limit of their own keeps it.
    const isNative = signal instanceof EventTarget
    if (isNative && getMaxListeners(signal) === defaultMaxListeners) {
      setMaxListeners(Number.POSITIVE_INFINITY, signal)
    }
    signal.addEventListener('abort', abort, { once: true })
    start()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort))
  })
}
