import { MAX_DISCARD_BYTES, startDiscardTimer } from './discard-limits.js'

/**
 * Frees the connection of a response that nobody will read: reads what is left of the body, or cancels it when that
 * is too much. Otherwise the response keeps its connection, and the next request on a client with one connection
 * waits for ever. Never rejects.
 */
export async function discardBody(response: Response): Promise<void> {
  if (response.body === null || response.body === undefined || response.body.locked) return
  if (typeof response.body.getReader !== 'function') {
    await discardStream(response.body as unknown as NodeStream)
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

/** What node-fetch has for a body. */
type NodeStream = AsyncIterable<{ readonly length: number }> & { destroy?(): unknown }

/** To be destroyed unread does not free the connection under the bodies of node-fetch 2. */
async function discardStream(body: NodeStream): Promise<void> {
  const cancelTimer = startDiscardTimer(() => body.destroy?.())
  try {
    let bytes = 0
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > MAX_DISCARD_BYTES) break
    }
  } catch {
    // It was destroyed, or the connection broke.
  } finally {
    cancelTimer()
    body.destroy?.()
  }
}
