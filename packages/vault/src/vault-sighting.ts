import { noAnswer } from './no-answer.js'

/**
 * What the status of a caller's request says: whether Vault is away, or `undefined`, nothing. A 403 is a matter of the
 * token, judged by what was known before it; a 500 may be that of one secrets engine.
 */
export function isAwayByStatus(status: number): boolean | undefined {
  if (status < 400) return false
  if (status === 429 || (status >= 501 && status <= 504)) return true
  return status === 403 || status >= 500 ? undefined : false
}

/**
 * Whether a caller's request got no answer because Vault is away: an error of the network, or a time limit of the
 * caller's (`AbortSignal.timeout()`); not a caller who has lost interest, nor a refused certificate.
 */
export function isAwayByError(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return (signal.reason as Error | undefined)?.name === 'TimeoutError'
  // Fetch gives the network's error as the cause, node-fetch as its own code; a wrong argument has neither.
  const { cause = error } = error as Error
  if (typeof (cause as NodeJS.ErrnoException).code !== 'string') return false
  return noAnswer(cause, undefined, 0).why === 'transport'
}
