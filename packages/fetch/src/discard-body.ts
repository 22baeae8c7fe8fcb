import { MAX_DISCARD_BYTES, startDiscardTimer } from './discard-limits.js'

/**
 * Frees the connection of a response that nobody will read: reads what is left of the body, or cancels it when that
 * is too much. Otherwise the response keeps its connection, and the next request on a client with one connection
 * waits for ever. Never rejects.
 */
export async function discardBody(response: Response): Promise<void> {
  if (response.body === null || response.body === undefined || response.body.locked) return
  if (typeof response.body.getReader !== 'function') {
    // A stream of Node's, as node-fetch has.
    ;(response.body as { destroy?(): unknown }).destroy?.()
    return
  }
  const reader = response.body.getReader()
  const cancel = () => reader.cancel().catch(() => {})
  const cancelTimer = startDiscardTimer(cancel)
  try {
    for (let bytes = 0; bytes <= MAX_DISCARD_BYTES; ) {
      const { done, value } = await reader.read()
      if (done) return
      bytes += value.byteLength
    }
    await cancel()
  } catch {
    // The connection broke: it is free.
  } finally {
    cancelTimer()
  }
}
