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
