import type { Clock } from './clock.js'
import { describeExpiry, isExpired } from './expiry.js'
import { formatTime, quotePath } from './format.js'
import { judgeCandidate, type TokenExpectations } from './judge-candidate.js'
import { type ParsedToken, parseToken } from './parse-token.js'
import { isOverdue, rotationDueAtMs, type TokenTimes } from './rotation.js'
import { createToken, type Token } from './token.js'
import { TokenError, type TokenErrorCode } from './token-error.js'
import type { TokenFile, TokenFilePlace } from './token-file.js'
import type { TokenWatcherEvents } from './token-watcher-types.js'

/**
 * The look that a refusal causes is due within a second, and the reads that tell a torn write follow it. A server that
 * refuses a token for good refuses it again; one that did so by mistake must not leave it open to a worse one for ever.
 */
const REFUSAL_COUNTS_MS = 10_000

/** The token in use, with all that was made of it once. */
export interface LoadedToken {
  readonly token: Token
  readonly parsed: ParsedToken
  readonly times: TokenTimes
  /** What `getToken()` gives. */
  readonly promise: Promise<Token>
}

/** The last failure, and the row of failures that it belongs to. */
export interface LastFailure {
  readonly error: TokenError
  readonly sinceMs: number
  readonly count: number
}

/** An event and its payload, to be told when the state is complete. */
export type StateEvent = {
  [Name in keyof TokenWatcherEvents]: { readonly name: Name; readonly payload: TokenWatcherEvents[Name] }
}[keyof TokenWatcherEvents]

/** Which token is in use, and what went wrong last. No I/O, no timers. */
export interface TokenState {
  readonly current: LoadedToken | undefined
  readonly failure: LastFailure | undefined
  /** Failures in a row; 0 after a good read. */
  readonly failures: number
  /** All failures since the beginning, by their codes. */
  readonly failureCounts: Readonly<Partial<Record<TokenErrorCode, number>>>
  readonly rotations: number
  /** The token in use, unless it has expired. */
  usable(): LoadedToken | undefined
  /** Why there is no usable token: the failure, or else the expiry. */
  reason(): TokenError | undefined
  /** A server refused the token in use: for ten seconds an older one on disk is acceptable. */
  refusedByServer(): void
  /** Takes the result of a read; gives the events that it caused. */
  settle(read: TokenFile | TokenError, layout?: TokenFilePlace['layout']): StateEvent[]
}

export function createTokenState(path: string, expectations: TokenExpectations, clock: Clock): TokenState {
  let current: LoadedToken | undefined
  let refusedUntilMs = Number.NEGATIVE_INFINITY
  let suspectedTorn: string | undefined
  let failure: LastFailure | undefined
  let failures = 0
  const failureCounts: Partial<Record<TokenErrorCode, number>> = {}
  let rotations = 0
  let overdueTold = false
  let expiredTold = false

  /** The token to adopt, or `undefined` when the one in use is the one on disk. */
  function accept(
    read: TokenFile | TokenError,
    layout: TokenFilePlace['layout'] | undefined,
  ): ParsedToken | undefined {
    if (read instanceof TokenError) throw read
    const candidate = parseToken(read.content, path)
    const nowMs = clock.now()
    const currentRefused = clock.monotonicNow() < refusedUntilMs
    const input = { candidate, current: current?.parsed, currentRefused, suspectedTorn, expectations, nowMs }
    const verdict = judgeCandidate(input)
    suspectedTorn = undefined
    if (verdict.kind === 'adopt') return candidate
    if (verdict.kind === 'unchanged') return undefined
    if (verdict.code === 'ERR_TOKEN_MALFORMED') suspectedTorn = candidate.token
    const written = `The file was last written at ${formatTime(read.modifiedAtMs)}.`
    const remedy = verdict.code === 'ERR_TOKEN_EXPIRED' ? layoutRemedy(layout) : ''
    throw new TokenError(`Token file ${quotePath(path)} ${verdict.problem}. ${written}${remedy}`, {
      code: verdict.code,
      path,
    })
  }

  function adopt(parsed: ParsedToken): StateEvent[] {
    const previous = current?.token
    const nowMs = clock.now()
    const token = createToken({ token: parsed.token, expiresAtMs: parsed.expiresAtMs, loadedAtMs: nowMs })
    const issuedAtMs = parsed.issuedAtMs ?? parsed.notBeforeMs ?? nowMs
    const times = { issuedAtMs, expiresAtMs: parsed.expiresAtMs, warnAfterMs: parsed.warnAfterMs }
    current = { token, parsed, times, promise: Promise.resolve(token) }
    refusedUntilMs = Number.NEGATIVE_INFINITY
    overdueTold = expiredTold = false
    if (!previous) return []
    rotations++
    return [{ name: 'rotated', payload: { token, previous } }]
  }

  function succeed(): StateEvent[] {
    const ended = failures > 0 ? failure : undefined
    failures = 0
    return ended ? [{ name: 'recovered', payload: { failures: ended.count, sinceMs: ended.sinceMs } }] : []
  }

  function fail(error: TokenError): StateEvent[] {
    failures++
    failureCounts[error.code] = (failureCounts[error.code] ?? 0) + 1
    const sinceMs = failures > 1 && failure ? failure.sinceMs : clock.now()
    failure = { error, sinceMs, count: failures }
    return failures === 1 ? [{ name: 'failed', payload: { error } }] : []
  }

  /** The kubelet is late, or the token has expired: each told once a token. */
  function lateness(nowMs: number): StateEvent[] {
    const events: StateEvent[] = []
    if (current && !overdueTold && isOverdue(current.times, nowMs)) {
      overdueTold = true
      const dueMs = rotationDueAtMs(current.times) as number
      events.push({ name: 'overdue', payload: { token: current.token, rotationDueAtMs: dueMs } })
    }
    if (current && !expiredTold && isExpired(current.parsed, nowMs)) {
      expiredTold = true
      events.push({ name: 'expired', payload: { token: current.token } })
    }
    return events
  }

  return {
    get current() {
      return current
    },
    get failure() {
      return failure
    },
    get failures() {
      return failures
    },
    failureCounts,
    get rotations() {
      return rotations
    },
    usable: () => (current && !isExpired(current.parsed, clock.now()) ? current : undefined),
    reason() {
      if (failures > 0 || !current) return failure?.error
      return expiredError(path, current.parsed, clock.now())
    },
    refusedByServer() {
      refusedUntilMs = clock.monotonicNow() + REFUSAL_COUNTS_MS
    },
    settle(read, layout) {
      const events: StateEvent[] = []
      try {
        const candidate = accept(read, layout)
        if (candidate) events.push(...adopt(candidate))
        events.push(...succeed())
      } catch (error) {
        events.push(...fail(error as TokenError))
      }
      return [...events, ...lateness(clock.now())]
    },
  }
}

/** Of a token that expired since the last good read. */
function expiredError(path: string, token: ParsedToken, nowMs: number): TokenError {
  return new TokenError(`Token file ${quotePath(path)} ${describeExpiry(token, nowMs)}`, {
    code: 'ERR_TOKEN_EXPIRED',
    path,
  })
}

/** What to do about a token that was not replaced in time. */
function layoutRemedy(layout: TokenFilePlace['layout'] | undefined): string {
  switch (layout) {
    case 'mounted-file':
      return ' The file is mounted by itself (a subPath or single-file mount), which the kubelet never updates: mount the whole volume.'
    case 'plain':
      return " The file is not a link into a kubelet's volume: a copy, or a subPath mount, is never updated."
    case 'projection':
      return ' The kubelet has not replaced it: look at its log, and at the events of the pod.'
    default:
      return ''
  }
}
