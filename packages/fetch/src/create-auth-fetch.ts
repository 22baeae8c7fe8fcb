import type { TokenProvider } from '@projected-token/core'
import { followRedirects } from './follow-redirects.js'
import { kindOf } from './kind-of.js'
import { type CredentialOptions, checkOptions } from './options.js'
import { isOwnCredential } from './own-header.js'
import { snapshotRequest, targetUrl } from './request-snapshot.js'
import { createAuthenticatedSend, type Send } from './send-authenticated.js'

/**
 * Any fetch: the global one, undici's of any major, a wrapped one. Deliberately without their types, which exclude
 * each other's `Request` and `Response`.
 */
export type AnyFetch = (input: never, init?: never) => Promise<unknown>

/** Options of {@link createAuthFetch}. */
export interface AuthFetchOptions<Fetch extends AnyFetch = typeof globalThis.fetch>
  extends CredentialOptions {
  /**
   * The fetch that sends the requests. The default is read once, so that the result may replace `globalThis.fetch`.
   *
   * @default globalThis.fetch
   */
  fetch?: Fetch | undefined
}

/**
 * Makes a fetch that adds the provider's current token to every request for one of the `origins`, and follows the
 * rules of this package for refused tokens (one retry) and for redirects (no token for another origin).
 *
 * The returned function rejects with the provider's own error when there is no token; nothing is sent then.
 *
 * @typeParam Fetch the type of the fetch that is wrapped, and so of the one that is made.
 * @throws TypeError for bad arguments.
 */
export function createAuthFetch<Fetch extends AnyFetch = typeof globalThis.fetch>(
  provider: TokenProvider,
  options: AuthFetchOptions<Fetch>,
): Fetch {
  const credential = checkOptions(provider, options, ['fetch'])
  const send = (options.fetch ?? globalThis.fetch) as unknown as Send
  if (typeof send !== 'function') throw new TypeError(`'fetch' must be a function, got ${kindOf(send)}`)

  const authFetch: Send = async (input, init) => {
    const url = targetUrl(input)
    if (!credential.origins.permits(url)) return send(input, init)
    const request = snapshotRequest(input, init, url)
    if (isOwnCredential(request.headers?.get(credential.headerName) ?? undefined)) {
      // With the copy where `init` has headers: they may have been a generator, which is now used up.
      const own = request.init.headers === undefined ? init : { ...request.init, headers: request.headers }
      return send(input, own)
    }
    const sendAuthenticated = createAuthenticatedSend(provider, credential, send)
    return followRedirects(request, credential.origins, sendAuthenticated, send)
  }
  return authFetch as unknown as Fetch
}
