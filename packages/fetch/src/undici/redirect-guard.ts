import { FetchAuthError } from '../auth-error.js'
import { isRedirect } from '../redirect-step.js'

/*
 * A redirect interceptor *inside* this one gets the request with the token already in it, and would take it along:
 * undici strips `authorization` on the way to another origin, but no other header. So an authenticated request is
 * dispatched with redirects switched off, and if something follows one nevertheless, the request ends before it is
 * written. A redirect interceptor *outside* dispatches every hop anew through this one, which judges its origin.
 */

/** Switches undici's redirect handling off for what is inside: undici 6, 7 and 8 read it so. */
export const NO_REDIRECTS_INSIDE = { maxRedirections: 0 } as const

/** Whether the caller asked for redirects in the request: undici 6 follows them at the innermost place. */
export function asksForRedirects(maxRedirections: unknown): boolean {
  return typeof maxRedirections === 'number' && maxRedirections > 0
}

/** The error for a redirect that the caller asked for in the request, and which nobody will follow. */
export function unfollowedRedirect(status: number): FetchAuthError | undefined {
  return isRedirect(status) ? innerRedirectError() : undefined
}

/** The error for an attempt that is a redirect's next hop: redirect handlers tell by the `history` in the context. */
export function innerRedirect(context: unknown): FetchAuthError | undefined {
  const { history } = (context ?? {}) as { history?: unknown }
  return Array.isArray(history) && history.length > 0 ? innerRedirectError() : undefined
}

function innerRedirectError(): FetchAuthError {
  return new FetchAuthError(
    'ERR_FETCH_REDIRECT_INSIDE',
    'A redirect inside the token interceptor would take the token to another origin, and was not followed: ' +
      'compose redirect() after the token interceptor, so that every hop passes it, instead of `maxRedirections`',
  )
}
