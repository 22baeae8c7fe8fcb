import type { Token, TokenProvider } from '@projected-token/core'
import { awaitReplacement, awaitToken } from '../acquire-token.js'
import type { CredentialHeader } from '../credential-header.js'
import type { DispatchController, DispatchHandler } from './dispatch-types.js'
import { createHeldResponse } from './held-response.js'
import { innerRedirect, unfollowedRedirect } from './redirect-guard.js'
import { createRelayController } from './relay-controller.js'

/** One authenticated request of the caller: one attempt, and another one after a 401. */
export interface TokenExchange {
  readonly provider: TokenProvider
  readonly headerValue: CredentialHeader
  /** Whether the request can be sent a second time. */
  readonly replayable: boolean
  /** Whether the caller wants redirects followed inside the interceptor, where none are. */
  readonly redirectsInside: boolean
  readonly handler: DispatchHandler
  /** Dispatches an attempt with this header value. */
  send(value: string, attempt: DispatchHandler): boolean
}

/**
 * Runs the exchange and gives what `dispatch` returns: with a token at hand that of the one dispatch, so that
 * backpressure works; else `true`, as undici's own asynchronous interceptors do.
 *
 * The caller's handler sees one response. Its controller outlives the attempts; its abort is heard at any time, also
 * while no attempt is under way.
 */
export function runTokenExchange(exchange: TokenExchange): boolean {
  const { provider, headerValue, handler } = exchange
  // Made when a token is awaited, which is rare: it costs as much as all the rest.
  let lookup: AbortController | undefined
  const lookupSignal = () => {
    lookup ??= new AbortController()
    return lookup.signal
  }
  /** The attempt that turns the caller's abort into an error by itself, as undici does. */
  let active: DispatchController | undefined
  let latest: DispatchController | undefined
  let settled = false

  const relay = createRelayController((reason) => {
    if (settled) return
    if (active !== undefined) return active.abort(reason)
    settled = true
    lookup?.abort(reason)
    latest?.abort(reason)
    handler.onResponseError?.(relay, reason ?? new DOMException('The request was aborted', 'AbortError'))
  })

  function fail(error: unknown): false {
    if (!settled) {
      settled = true
      handler.onResponseError?.(relay, error)
    }
    return false
  }

  function createAttempt(token: Token, first: boolean): DispatchHandler {
    const response = createHeldResponse()

    function decide(controller: DispatchController, replacement: Token | undefined): void {
      if (settled) return
      if (replacement !== undefined) {
        response.discard(controller, () => sendLater(replacement, false))
        return
      }
      active = controller
      try {
        response.forward()
        relay.release()
      } catch (error) {
        // A handler that throws while undici calls it ends its request likewise.
        controller.abort(error)
        fail(error)
      }
    }

    return {
      onRequestStart(controller, context) {
        latest = controller
        if (settled) return controller.abort(relay.reason)
        active = controller
        const redirected = innerRedirect(context)
        if (redirected !== undefined) return controller.abort(redirected)
        relay.attach(controller)
        handler.onRequestStart?.(relay, context)
      },
      onRequestUpgrade(_controller, status, headers, socket) {
        const result = handler.onRequestUpgrade?.(relay, status, headers, socket)
        settled = true
        return result
      },
      onResponseStart(controller, status, headers, message) {
        const forward = () => handler.onResponseStart?.(relay, status, headers, message)
        const unfollowed = exchange.redirectsInside ? unfollowedRedirect(status) : undefined
        if (unfollowed !== undefined) return controller.abort(unfollowed)
        if (status !== 401) return forward()
        provider.invalidate(token)
        if (!first || !exchange.replayable) return forward()
        response.hold(forward)
        active = undefined
        relay.hold()
        awaitReplacement(provider, token, headerValue, lookupSignal()).then(
          (replacement) => decide(controller, replacement),
          () => {}, // the caller aborted, and has heard so
        )
      },
      onResponseData(controller, chunk) {
        if (response.data(chunk, () => handler.onResponseData?.(relay, chunk))) controller.pause()
      },
      onResponseEnd(_controller, trailers) {
        response.last(() => {
          if (settled) return
          handler.onResponseEnd?.(relay, trailers)
          // Not before: undici turns what a handler throws here into an error, and RetryHandler relies on that.
          settled = true
        })
      },
      onResponseError: (_controller, error) => response.last(() => fail(error)),
      onResponseStarted: () => handler.onResponseStarted?.(),
      onBodySent: (chunk, total) => handler.onBodySent?.(chunk, total),
      onRequestSent: () => handler.onRequestSent?.(),
    }
  }

  function sendLater(token: Token, first: boolean): void {
    if (settled) return
    try {
      exchange.send(headerValue(token), createAttempt(token, first))
    } catch (error) {
      fail(error)
    }
  }

  const { current } = provider
  if (current !== undefined) {
    let value: string
    try {
      value = headerValue(current)
    } catch (error) {
      return fail(error)
    }
    return exchange.send(value, createAttempt(current, true))
  }

  // Before there is an attempt, so that the caller can abort the wait for the token.
  try {
    handler.onRequestStart?.(relay, null)
  } catch (error) {
    return fail(error)
  }
  if (!settled) awaitToken(provider, lookupSignal()).then((token) => sendLater(token, true), fail)
  return true
}
