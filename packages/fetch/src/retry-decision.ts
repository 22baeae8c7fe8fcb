import type { Token } from '@projected-token/core'

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
  return ArrayBuffer.isView(body) || REPLAYABLE.has(Object.prototype.toString.call(body))
}

/** Whether a second attempt can end otherwise: the same secret in a new object would be refused again. */
export function isAnotherToken(rejected: Token, candidate: Token): boolean {
  return candidate.token !== rejected.token
}
