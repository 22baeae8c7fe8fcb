import type { Token } from '@projected-token/core'

/** A server that refuses two tokens in a row will refuse a third: then it is not the token. */
const MAX_RETRIES = 1

/** Whether the server refused the token itself, and not what its bearer wants to do (RFC 9110, section 15.5.2). */
export function isRefusal(status: number): boolean {
  return status === 401
}

/**
 * Whether a refused request may be sent again, given another token.
 *
 * @param retries how often it was already, in a whole chain of redirects.
 */
export function mayRetry(retries: number, body: unknown): boolean {
  return retries < MAX_RETRIES && isReplayableBody(body)
}

/** Whether another attempt can end otherwise: the same secret in a new object would be refused again. */
export function isAnotherToken(rejected: Token, candidate: Token): boolean {
  return candidate.token !== rejected.token
}

/** Objects that give the same bytes again, by their class name: they may come from another realm or implementation. */
const REPLAYABLE = new Set([
  '[object ArrayBuffer]',
  '[object SharedArrayBuffer]',
  '[object Blob]',
  '[object File]',
  '[object FormData]',
  '[object URLSearchParams]',
])

/**
 * Whether a request body can be sent a second time without having been buffered: none, a string, bytes, a Blob, a
 * form. Streams and iterables cannot: they are gone with the first attempt.
 */
export function isReplayableBody(body: unknown): boolean {
  if (body === null || (typeof body !== 'object' && typeof body !== 'function')) return true
  // npm's form-data calls itself FormData, and is a stream.
  if (typeof (body as { pipe?: unknown }).pipe === 'function') return false
  return ArrayBuffer.isView(body) || REPLAYABLE.has(Object.prototype.toString.call(body))
}
