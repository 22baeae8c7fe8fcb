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
    if (signal instanceof EventTarget && getMaxListeners(signal) === defaultMaxListeners)
      setMaxListeners(Number.POSITIVE_INFINITY, signal)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/**
 * Lets a signal end a controller of shorter life. By hand, since `AbortSignal.any()` leaves something behind on a
 * signal that lives as long as the process, in some versions of Node.
 *
 * @returns what ends the link.
 */
export function linkAbort(controller: AbortController, signal: AbortSignal | undefined): () => void {
  if (signal?.aborted) controller.abort(signal.reason)
  const abort = () => controller.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  return () => signal?.removeEventListener('abort', abort)
}
