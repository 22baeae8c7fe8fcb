import type { Token, TokenProvider } from '@projected-token/core'
import { awaitReplacement, awaitToken } from './acquire-token.js'
import { discardBody } from './discard-body.js'
import { kindOf } from './kind-of.js'
import { type Credential, type CredentialOptions, checkOptions } from './options.js'
import { isRedirect, redirectStep } from './redirect-step.js'
import { type RequestSnapshot, snapshotRequest, targetUrl } from './request-snapshot.js'
import { isReplayableBody } from './retry-decision.js'

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

type Send = (input: unknown, init?: unknown) => Promise<Response>

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
    if (request.headers?.has(credential.headerName)) {
      // With the copy where `init` has headers: they may have been a generator, which is now used up.
      const own = request.init.headers === undefined ? init : { ...request.init, headers: request.headers }
      return send(input, own)
    }
    return follow(request, send, createAuthenticatedSend(provider, credential, send), credential)
  }
  return authFetch as unknown as Fetch
}

/**
 * Follows redirects here rather than in the underlying fetch, which would take a custom header to any origin and
 * cannot add the token anew for another listed one. A chain that leaves the listed origins goes on without the token
 * for good, as the Fetch Standard does with `authorization`: otherwise a foreign server could have any authenticated
 * request made.
 */
async function follow(
  request: RequestSnapshot,
  send: Send,
  sendAuthenticated: (request: RequestSnapshot, redirect: string) => Promise<Response>,
  { origins }: Credential,
): Promise<Response> {
  if (request.redirect !== 'follow') return sendAuthenticated(request, request.redirect)
  for (let hop = request, count = 0; ; count++) {
    const response = await sendAuthenticated(hop, 'manual')
    if (response.type === 'opaqueredirect') {
      throw new TypeError("The given fetch hides redirects; pass redirect: 'error' or 'manual' with it")
    }
    const location = isRedirect(response.status) ? response.headers.get('location') : null
    if (location === null) return count === 0 ? response : markRedirected(response)
    // Before the step is judged: whatever comes of it, nobody reads this body.
    await discardBody(response)
    try {
      hop = redirectStep(hop, response.status, location, count)
    } catch (cause) {
      throw new TypeError('fetch failed', { cause })
    }
    if (!origins.permits(hop.url)) {
      const { target, init, headers = {} } = hop
      return markRedirected(await send(target, { ...init, headers, redirect: 'follow' }))
    }
  }
}

/** Sends with the token, and once more with another one after a 401: once for the whole chain of redirects. */
function createAuthenticatedSend(
  provider: TokenProvider,
  { headerName, headerValue }: Credential,
  send: Send,
) {
  let retried = false
  /** New for each attempt: a wrapped fetch may keep it, or change it. A record, where that is enough, costs fetch less. */
  const withCredential = (headers: Headers | undefined, token: Token) => {
    if (headers === undefined) return { [headerName]: headerValue(token) }
    const copy = new Headers(headers)
    copy.set(headerName, headerValue(token))
    return copy
  }
  const sendWith = (token: Token, { target, init, headers }: RequestSnapshot, redirect: string) =>
    send(target, { ...init, headers: withCredential(headers, token), redirect })
  return async (request: RequestSnapshot, redirect: string): Promise<Response> => {
    const token = provider.current ?? (await awaitToken(provider, request.signal))
    const response = await sendWith(token, request, redirect)
    if (response.status !== 401) return response
    provider.invalidate(token)
    if (retried || !isReplayableBody(request.body)) return response
    const replacement = await awaitReplacement(provider, token, headerValue, request.signal).catch(
      (reason) => {
        void discardBody(response)
        throw reason
      },
    )
    if (replacement === undefined) return response
    retried = true
    await discardBody(response)
    const second = await sendWith(replacement, request, redirect)
    if (second.status === 401) provider.invalidate(replacement)
    return second
  }
}

/** Each hop was a fetch of its own: its response does not know that others came before. */
function markRedirected(response: Response): Response {
  return Object.defineProperty(response, 'redirected', { value: true, configurable: true, enumerable: true })
}
