import type { Clock, Token, TokenProvider } from '@projected-token/core'
import { backoffDelayMs } from './backoff.js'
import { type Bearer, createBearerMetadata } from './bearer-metadata.js'
import { type CallFailure, callFailure, refuse } from './call-failure.js'
import { tokenPhase, UNCHANGED_PAUSE_MS } from './refresh-rule.js'

/** Gives each call a token by the rules of gRFC A97. No timers: looks are begun by calls alone. */
export interface TokenSource {
  /**
   * The token for a call that begins now; at once where there is one.
   *
   * @throws CallFailure (or rejects with it)
   */
  acquire(): Bearer | Promise<Bearer>
  /** A server refused this token. Never throws. */
  refused(token: Token): void
}

function createTokenSource(provider: TokenProvider, clock: Clock): TokenSource {
  const bearerOf = createBearerMetadata()
  /** A provider that says what it holds knows more than a cache: that its token was refused, or replaced. */
  const tellsCurrent = 'current' in provider
  let cached: Token | undefined
  let look: Promise<Bearer> | undefined
  /** Refused while a look was under way, which may have begun before: what it gives of these is not kept. */
  const refusedMeanwhile = new Set<string>()
  /** Of the last look; over once the provider holds another token than it did then. */
  let failure: { error: CallFailure; count: number; untilMs: number; held: string | undefined } | undefined
  /** The last look gave the token that was at hand already: the next one at it may wait a little. */
  let unchanged: { token: string; untilMs: number } | undefined

  const held = () => (tellsCurrent ? provider.current : cached)

  const isBackingOff = () => failure !== undefined && clock.monotonicNow() < failure.untilMs
  const hasJustFound = ({ token }: Token) =>
    unchanged?.token === token && clock.monotonicNow() < unchanged.untilMs

  function lookForToken(): Promise<Bearer> {
    look ??= attempt().finally(() => {
      look = undefined
      refusedMeanwhile.clear()
    })
    return look
  }

  async function attempt(): Promise<Bearer> {
    let before: string | undefined
    try {
      before = held()?.token
      const bearer = bearerOf(await provider.getToken())
      const { token } = bearer
      if (tokenPhase(token.expiresAtMs, clock.now()) === 'expired') throw expired()
      failure = undefined
      unchanged =
        token.token === before
          ? { token: token.token, untilMs: clock.monotonicNow() + UNCHANGED_PAUSE_MS }
          : undefined
      // Without an expiry nobody can tell how long a copy of it would be good.
      const isKept = token.expiresAtMs !== undefined && !refusedMeanwhile.has(token.token)
      cached = isKept ? token : undefined
      return bearer
    } catch (cause) {
      const error = callFailure(cause)
      const count = (failure?.count ?? 0) + 1
      const untilMs = clock.monotonicNow() + backoffDelayMs(count, Math.random())
      failure = { error, count, untilMs, held: before }
      throw error
    }
  }

  function acquire(): Bearer | Promise<Bearer> {
    const token = held()
    const phase = token ? tokenPhase(token.expiresAtMs, clock.now()) : 'expired'
    if (!token || phase === 'expired') {
      if (failure && !look && isBackingOff()) throw failure.error
      return lookForToken()
    }
    if (failure && (phase === 'fresh' || token.token !== failure.held)) failure = undefined
    if (phase === 'refresh' && !look && !isBackingOff() && !hasJustFound(token))
      lookForToken().catch(() => {})
    return bearerOf(token)
  }

  return {
    acquire() {
      try {
        return acquire()
      } catch (error) {
        throw callFailure(error) // `current` may throw
      }
    },
    refused(token) {
      if (look) refusedMeanwhile.add(token.token)
      if (cached?.token === token.token)
        cached = undefined
        // In an async function, so that neither what it throws nor a promise that it rejects ends the process.
      ;(async () => provider.invalidate(token))().catch(() => {})
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
