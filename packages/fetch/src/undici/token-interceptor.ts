import type { TokenProvider } from '@projected-token/core'
import { FetchAuthError } from '../auth-error.js'
import { type CredentialOptions, checkOptions } from '../options.js'
import type { Dispatch, DispatchHandler, LegacyHandler } from './dispatch-types.js'
import { fromLegacy, isLegacy, toLegacy } from './legacy-handler.js'
import { asksForRedirects, NO_REDIRECTS_INSIDE } from './redirect-guard.js'
import { headerSlot } from './request-headers.js'
import { runTokenExchange } from './token-exchange.js'

/** Options of {@link createTokenInterceptor}. */
export interface TokenInterceptorOptions extends CredentialOptions {}

/**
 * What `compose()` takes, in undici 6, 7 and 8. Deliberately without undici's types: those of one major do not accept
 * the other's.
 *
 * @typeParam Dispatch the `dispatch` of the undici that composes it.
 */
export type TokenInterceptor = <Dispatch extends (options: never, handler: never) => boolean>(
  dispatch: Dispatch,
  dispatcherOrigin?: string | null,
) => Dispatch

/**
 * Makes an interceptor for `dispatcher.compose()` that adds the provider's current token to every request for one of
 * the `origins`, and retries once after a 401 if there is another token and the body can be sent again.
 *
 * When there is no token the request fails with the provider's own error; nothing is sent.
 *
 * @throws TypeError for bad arguments.
 */
export function createTokenInterceptor(
  provider: TokenProvider,
  options: TokenInterceptorOptions,
): TokenInterceptor {
  const { origins, headerName, headerValue } = checkOptions(provider, options, [])

  const intercept = (dispatch: Dispatch, dispatcherOrigin?: string | null): Dispatch =>
    function dispatchWithToken(request, handler) {
      // CONNECT is answered by a proxy: the token is not for it.
      if (request?.method === 'CONNECT' || !handler) return dispatch(request, handler)
      // undici 8 tells where a Client or Pool is bound to. What the request says does not change where it goes.
      const origin = request.origin || dispatcherOrigin
      const bound = dispatcherOrigin || origin
      if (origin && bound && !(origins.permits(origin) && origins.permits(bound)))
        return dispatch(request, handler)

      const slot = headerSlot(request.headers, headerName)
      if (slot.taken) {
        return dispatch(
          slot.headers === request.headers ? request : { ...request, headers: slot.headers },
          handler,
        )
      }
      if (!origin) return refuse(handler, originUnknown())

      const legacy = isLegacy(handler)
      // A copy taken now: the caller may change the URL object, or anything else, while the token is awaited.
      const base = {
        ...request,
        ...NO_REDIRECTS_INSIDE,
        origin: typeof origin === 'string' ? origin : origin.origin,
      }
      return runTokenExchange({
        provider,
        headerValue,
        body: request.body,
        redirectsInside: asksForRedirects(request.maxRedirections),
        handler: legacy ? fromLegacy(handler) : handler,
        send(value, attempt) {
          const headers = slot.fill(value)
          return dispatch({ ...base, headers }, legacy ? toLegacy(attempt) : attempt)
        },
      })
    }
  return intercept as unknown as TokenInterceptor
}

function refuse(handler: DispatchHandler | LegacyHandler, error: Error): false {
  if (isLegacy(handler)) handler.onError(error)
  else handler.onResponseError?.(null, error)
  return false
}

function originUnknown(): FetchAuthError {
  return new FetchAuthError(
    'ERR_FETCH_ORIGIN_UNKNOWN',
    "The request has no 'origin', so it cannot be told whether the token may go there, and it was not sent: " +
      'before 8 undici does not tell an interceptor which origin a Client or Pool is bound to. Pass ' +
      "'origin' with the request, or compose the interceptor on an Agent",
  )
}
