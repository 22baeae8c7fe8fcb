import type { Token, TokenProvider } from '@projected-token/core'
import { awaitReplacement, awaitToken, reportRefusal } from '../acquire-token.js'
import type { CredentialHeader } from '../credential-header.js'
import { isRefusal, mayRetry } from '../retry-decision.js'
import type { DispatchController, DispatchHandler } from './dispatch-types.js'
import { createHeldResponse, type HeldResponse } from './held-response.js'
import { innerRedirect, unfollowedRedirect } from './redirect-guard.js'
import { createRelayController, type RelayController } from './relay-controller.js'

/** One authenticated request of the caller: one attempt, and another one after a refusal. */
export interface TokenExchange {
  readonly provider: TokenProvider
  readonly headerValue: CredentialHeader
  readonly body: unknown
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
  return new Run(exchange).start()
}

/** What the attempts of one exchange share. A class for the reason that `legacy-handler.ts` gives. */
class Run {
  readonly exchange: TokenExchange
  readonly relay: RelayController
  /** The attempt that turns the caller's abort into an error by itself, as undici does. */
  active: DispatchController | undefined
  latest: DispatchController | undefined
  settled = false
  retries = 0
  /** Made when a token is awaited, which is rare: it costs as much as all the rest. */
  #lookup: AbortController | undefined

  constructor(exchange: TokenExchange) {
    this.exchange = exchange
    this.relay = createRelayController((reason) => this.#abort(reason))
  }

  get lookupSignal(): AbortSignal {
    this.#lookup ??= new AbortController()
    return this.#lookup.signal
  }

  start(): boolean {
    const { provider, headerValue, handler, send } = this.exchange
    const { current } = provider
    if (current) {
      let value: string
      try {
        value = headerValue(current)
      } catch (error) {
        return this.fail(error)
      }
      return send(value, new Attempt(this, current))
    }

    // Before there is an attempt, so that the caller can abort the wait for the token.
    try {
      handler.onRequestStart?.(this.relay, null)
    } catch (error) {
      return this.fail(error)
    }
    if (!this.settled) {
      awaitToken(provider, this.lookupSignal).then(
        (token) => this.sendLater(token),
        (error) => this.fail(error),
      )
    }
    return true
  }

  sendLater(token: Token): void {
    if (this.settled) return
    try {
      this.exchange.send(this.exchange.headerValue(token), new Attempt(this, token))
    } catch (error) {
      this.fail(error)
    }
  }

  fail(error: unknown): false {
    if (!this.settled) {
      this.settled = true
      // undici takes a failure without an error for a success.
      this.exchange.handler.onResponseError?.(this.relay, error ?? new Error('The token provider failed'))
    }
    return false
  }

  #abort(reason: unknown): void {
    if (this.settled) return
    if (this.active !== undefined) {
      this.active.abort(reason)
      return
    }
    this.settled = true
    this.#lookup?.abort(reason)
    this.latest?.abort(reason)
    const error = reason ?? new DOMException('The request was aborted', 'AbortError')
    this.exchange.handler.onResponseError?.(this.relay, error)
  }
}

/** One dispatch: hands on what it hears, but for a refusal that another token may turn into something better. */
class Attempt implements DispatchHandler {
  readonly #run: Run
  readonly #token: Token
  #held: HeldResponse | undefined

  constructor(run: Run, token: Token) {
    this.#run = run
    this.#token = token
  }

  onRequestStart(controller: DispatchController, context: unknown): void {
    const run = this.#run
    run.latest = controller
    if (run.settled) {
      controller.abort(run.relay.reason)
      return
    }
    run.active = controller
    const redirected = innerRedirect(context)
    if (redirected !== undefined) {
      controller.abort(redirected)
      return
    }
    run.relay.attach(controller)
    run.exchange.handler.onRequestStart?.(run.relay, context)
  }

  onRequestUpgrade(
    _controller: DispatchController,
    status: number,
    headers: unknown,
    socket: unknown,
  ): unknown {
    const { exchange, relay } = this.#run
    const result = exchange.handler.onRequestUpgrade?.(relay, status, headers, socket)
    this.#run.settled = true
    return result
  }

  onResponseStart(controller: DispatchController, status: number, headers: unknown, message?: string): void {
    const run = this.#run
    const { exchange, relay } = run
    const unfollowed = exchange.redirectsInside ? unfollowedRedirect(status) : undefined
    if (unfollowed !== undefined) {
      controller.abort(unfollowed)
      return
    }
    const isRefused = isRefusal(status)
    if (isRefused) reportRefusal(exchange.provider, this.#token)
    if (!isRefused || !mayRetry(run.retries, exchange.body)) {
      exchange.handler.onResponseStart?.(relay, status, headers, message)
      return
    }
    this.#held = createHeldResponse(() => exchange.handler.onResponseStart?.(relay, status, headers, message))
    run.active = undefined
    relay.hold()
    awaitReplacement(exchange.provider, this.#token, exchange.headerValue, run.lookupSignal).then(
      (replacement) => this.#decide(controller, replacement),
      () => {}, // the caller aborted, and has heard so
    )
  }

  onResponseData(controller: DispatchController, chunk: Uint8Array): void {
    const { exchange, relay } = this.#run
    if (this.#held === undefined) {
      exchange.handler.onResponseData?.(relay, chunk)
      return
    }
    if (this.#held.data(chunk, () => exchange.handler.onResponseData?.(relay, chunk))) controller.pause()
  }

  onResponseEnd(_controller: DispatchController, trailers: unknown): void {
    this.#last(() => {
      const run = this.#run
      if (run.settled) return
      run.exchange.handler.onResponseEnd?.(run.relay, trailers)
      // Not before: undici turns what a handler throws here into an error, and RetryHandler relies on that.
      run.settled = true
    })
  }

  onResponseError(_controller: DispatchController | null, error: unknown): void {
    this.#last(() => this.#run.fail(error))
  }

  onResponseStarted(): void {
    this.#run.exchange.handler.onResponseStarted?.()
  }

  onBodySent(chunk: unknown, total?: unknown): void {
    this.#run.exchange.handler.onBodySent?.(chunk, total)
  }

  onRequestSent(): void {
    this.#run.exchange.handler.onRequestSent?.()
  }

  #last(forward: () => unknown): void {
    if (this.#held === undefined) forward()
    else this.#held.last(forward)
  }

  #decide(controller: DispatchController, replacement: Token | undefined): void {
    const run = this.#run
    if (run.settled || this.#held === undefined) return
    if (replacement !== undefined) {
      run.retries++
      this.#held.discard(controller, () => run.sendLater(replacement))
      return
    }
    run.active = controller
    try {
      this.#held.forward()
      run.relay.release()
    } catch (error) {
      // A handler that throws while undici calls it ends its request likewise.
      controller.abort(error)
      run.fail(error)
    }
  }
}
