import type { Clock, Token, TokenProvider } from '@projected-token/core'
import { backoffDelayMs, INITIAL_BACKOFF_MS } from './backoff.js'
import { type Bearer, createBearerMetadata } from './bearer-metadata.js'
import { type CallFailure, callFailure, refuse } from './call-failure.js'
import { tokenPhase } from './refresh-rule.js'

/** Gives each call a token by the rules of gRFC A97. No timers: looks are begun by calls alone. */
export interface TokenSource {
  readonly provider: TokenProvider
  /**
   * The token for a call that begins now; at once where there is one.
   *
   * @throws CallFailure (or rejects with it)
   */
  acquire(): Bearer | Promise<Bearer>
  /** A server refused this token. */
  refused(token: Token): void
}

export function createTokenSource(provider: TokenProvider, clock: Clock): TokenSource {
  const bearerOf = createBearerMetadata()
  /** A provider that says what it holds knows more than a cache: that its token was refused, or replaced. */
  const tellsCurrent = 'current' in provider
  let cached: Token | undefined
  let look: Promise<Bearer> | undefined
  let failure: { error: CallFailure; count: number; untilMs: number } | undefined
  /** The last look gave the token that was at hand already: the next one at it may wait a little. */
  let unchanged: { token: string; untilMs: number } | undefined

  const held = () => (tellsCurrent ? provider.current : cached)

  /** Whether the last look was so short a time ago that the next one has to wait. */
  function isTooEarly(valid: Token | undefined): boolean {
    const nowMs = clock.monotonicNow()
    if (failure && nowMs < failure.untilMs) return true
    return unchanged !== undefined && valid?.token === unchanged.token && nowMs < unchanged.untilMs
  }

  function lookForToken(): Promise<Bearer> {
    look ??= attempt().finally(() => {
      look = undefined
    })
    return look
  }

  async function attempt(): Promise<Bearer> {
    const before = held()?.token
    try {
      const bearer = bearerOf(await provider.getToken())
      const { token } = bearer
      if (!isValid(token)) throw expired()
      failure = undefined
      unchanged =
        token.token === before
          ? { token: token.token, untilMs: clock.monotonicNow() + INITIAL_BACKOFF_MS }
          : undefined
      // Without an expiry nobody can tell how long a copy of it would be good.
      cached = token.expiresAtMs === undefined ? undefined : token
      return bearer
    } catch (cause) {
      const error = callFailure(cause)
      const count = (failure?.count ?? 0) + 1
      failure = { error, count, untilMs: clock.monotonicNow() + backoffDelayMs(count, Math.random()) }
      throw error
    }
  }

  /** The one that is at hand, if need be in its last 30 seconds: better than a call that fails. */
  function lastResort(error: CallFailure | undefined): Bearer {
    const token = held()
    if (token && isValid(token)) return bearerOf(token)
    throw error ?? expired()
  }

  const isValid = (token: Token) => tokenPhase(token.expiresAtMs, clock.now()) !== 'expired'

  return {
    provider,
    acquire() {
      const token = held()
      const phase = token && tokenPhase(token.expiresAtMs, clock.now())
      if (token && phase === 'fresh') {
        failure = undefined
        return bearerOf(token)
      }
      if (token && phase === 'refresh') {
        if (!look && !isTooEarly(token)) lookForToken().catch(() => {})
        return bearerOf(token)
      }
      if (!look && isTooEarly(phase === 'ending' ? token : undefined)) return lastResort(failure?.error)
      return lookForToken().catch(lastResort)
    },
    refused(token) {
      if (cached?.token === token.token) cached = undefined
      provider.invalidate(token)
    },
  }
}

function expired(): CallFailure {
  return refuse('ERR_GRPC_TOKEN_EXPIRED', 'The token provider gave an expired token; nothing was sent')
}

const sources = new WeakMap<TokenProvider, WeakMap<Clock, TokenSource>>()

/** One for all credentials over one provider: so many channels, and credentials made anew for each call, cause one look. */
export function tokenSourceOf(provider: TokenProvider, clock: Clock): TokenSource {
  const byClock = sources.get(provider) ?? new WeakMap<Clock, TokenSource>()
  sources.set(provider, byClock)
  const source = byClock.get(clock) ?? createTokenSource(provider, clock)
  byClock.set(clock, source)
  return source
}
