import type { Token, TokenProvider } from '@projected-token/core'
import type { CredentialHeader } from './credential-header.js'
import { isAnotherToken } from './retry-decision.js'

/**
 * Waits for a token, until the signal aborts: then it rejects at once with the signal's reason, whatever the provider
 * makes of the signal.
 */
export async function awaitToken(provider: TokenProvider, signal: AbortSignal | undefined): Promise<Token> {
  if (signal === undefined) return provider.getToken()
  signal.throwIfAborted()
  let onAbort: (() => void) | undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([provider.getToken({ signal }), aborted])
  } finally {
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Tells the provider which token was refused. Whatever it makes of that (it may be `async`) fails neither the request,
 * whose 401 says more, nor the process.
 */
export function reportRefusal(provider: TokenProvider, rejected: Token): void {
  ;(async () => provider.invalidate(rejected))().catch(() => {})
}

/**
 * Asks for another token than the refused one, first of all for the one that the provider holds: somebody else's 401
 * may have fetched it already. `undefined`: there is none, or the provider fails; the caller then gets the server's
 * 401, which says more about the request than the provider's failure does.
 *
 * @throws the signal's reason when it aborts.
 */
export async function awaitReplacement(
  provider: TokenProvider,
  rejected: Token,
  headerValue: CredentialHeader,
  signal: AbortSignal | undefined,
): Promise<Token | undefined> {
  try {
    const { current } = provider
    const held = current && isAnotherToken(rejected, current) ? current : undefined
    const candidate = held ?? (await awaitToken(provider, signal))
    headerValue(candidate)
    return isAnotherToken(rejected, candidate) ? candidate : undefined
  } catch {
    signal?.throwIfAborted()
    return undefined
  }
}
