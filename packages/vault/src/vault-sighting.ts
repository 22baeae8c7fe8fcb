import { noAnswer } from './no-answer.js'

/**
 * Whether the answer to a caller's request says that Vault is away: sealed, or no node of it is active. A 429 is an
 * answer of a Vault that is there; a 500, 502 or 504 may be that of one secrets engine and what is behind it.
 */
export function isAwayByStatus(status: number): boolean {
  return status === 503
}

/**
 * Whether a caller's request got no answer because Vault is away: an error of the network. Not a caller who has waited
 * long enough, be it by a time limit, for a secrets engine may be slow; nor a refused certificate.
 */
export function isAwayByError(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return false
  // Fetch gives the network's error as the cause, node-fetch as its own code; a wrong argument has neither.
  const cause = (error as Error | null | undefined)?.cause ?? error
  if (typeof (cause as NodeJS.ErrnoException | null | undefined)?.code !== 'string') return false
  return noAnswer(cause, undefined, 0).why === 'transport'
}
