import type { Headers } from './forwarded-headers.js'

/** The `code` of a response that cannot be passed on. */
export const INVALID_RESPONSE = 'INVALID_RESPONSE'

/**
 * What is wrong with a response; `undefined` when nothing is. Node sends no status beyond 599 (RFC 9110, section 15). And
 * `Transfer-Encoding` is of the upstream's connection: a body that is coded otherwise than in chunks would arrive as
 * what it is not. Said twice (an application and its server, each for itself) it is meant once, and HTTP/1.1 once had
 * `identity` for none.
 */
export function judgeResponse(status: number, headers: Headers): Error | undefined {
  const codings = [headers['transfer-encoding'] ?? []].flat()
  const isPlain = codings.every((coding) => /^(?:chunked|identity)?$/i.test(coding))
  if (status >= 100 && status <= 599 && isPlain) return undefined
  return Object.assign(new Error('The response cannot be passed on'), { code: INVALID_RESPONSE })
}
