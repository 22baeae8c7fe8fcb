import type { Token, TokenProvider } from '@projected-token/core'
import { awaitReplacement, awaitToken, reportRefusal } from './acquire-token.js'
import { discardBody } from './discard-body.js'
import type { Credential } from './options.js'
import type { RequestSnapshot } from './request-snapshot.js'
import { isRefusal, mayRetry } from './retry-decision.js'

/** Any fetch. */
export type Send = (input: unknown, init?: unknown) => Promise<Response>

/** Sends one request of a chain of redirects, which are followed or not as `redirect` says. */
export type AuthenticatedSend = (request: RequestSnapshot, redirect: string) => Promise<Response>

/** Sends with the token, and again with another one where {@link mayRetry} says so: for one chain of redirects. */
export function createAuthenticatedSend(
  provider: TokenProvider,
  { headerName, headerValue }: Credential,
  send: Send,
): AuthenticatedSend {
  let retries = 0
  /** New for each attempt: a wrapped fetch may keep it, or change it. A record, where that is enough, costs fetch less. */
  const withCredential = (headers: Headers | undefined, token: Token) => {
    if (headers === undefined) return { [headerName]: headerValue(token) }
    const copy = new Headers(headers)
    copy.set(headerName, headerValue(token))
    return copy
  }
  return async (request, redirect) => {
    const { target, init, headers, body, signal } = request
    let token = provider.current ?? (await awaitToken(provider, signal))
    for (;;) {
      const response = await send(target, { ...init, headers: withCredential(headers, token), redirect })
      if (!isRefusal(response.status)) return response
      reportRefusal(provider, token)
      if (!mayRetry(retries, body)) return response
      const replacement = await awaitReplacement(provider, token, headerValue, signal).catch((reason) => {
        void discardBody(response)
        throw reason
      })
      if (replacement === undefined) return response
      retries++
      await discardBody(response)
      token = replacement
    }
  }
}
