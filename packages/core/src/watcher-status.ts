import { isExpired } from './expiry.js'
import { isOverdue, rotationDueAtMs } from './rotation.js'
import { tokenFingerprint } from './token-fingerprint.js'
import type { LastFailure, LoadedToken, TokenState } from './token-state.js'
import { tokenWarnings } from './token-warnings.js'
import type { FailureStatus, TokenStatus, TokenWatcherStatus } from './token-watcher-types.js'

/** What the watcher knows and the token's state does not. */
type Reading = Pick<TokenWatcherStatus, 'path' | 'nextReadAtMs' | 'lastReadAtMs' | 'reads' | 'watch'>

/** Puts the status together: all that an operator may see, nothing that is secret. */
export function describeWatcher(
  state: TokenState,
  reading: Reading,
  phase: { readonly closed: boolean; readonly starting: boolean },
  nowMs: number,
): TokenWatcherStatus {
  const { current, failure } = state
  return {
    path: reading.path,
    state: stateName(state, phase, nowMs),
    token: current && describeToken(current),
    rotationDueAtMs: current && rotationDueAtMs(current.times),
    overdue: current !== undefined && isOverdue(current.times, nowMs),
    nextReadAtMs: reading.nextReadAtMs,
    lastReadAtMs: reading.lastReadAtMs,
    reads: reading.reads,
    failures: { ...state.failureCounts },
    rotations: state.rotations,
    watch: reading.watch,
    lastFailure: failure && describeFailure(failure, state.failures > 0),
    warnings: current ? tokenWarnings(current.parsed, nowMs) : [],
  }
}

function stateName(
  { current, failure }: TokenState,
  { closed, starting }: { readonly closed: boolean; readonly starting: boolean },
  nowMs: number,
): TokenWatcherStatus['state'] {
  if (closed) return 'closed'
  if (current) return isExpired(current.parsed, nowMs) ? 'expired' : 'valid'
  if (starting) return 'starting'
  return failure?.error.code === 'ERR_TOKEN_EXPIRED' ? 'expired' : 'unavailable'
}

function describeToken({ token, parsed }: LoadedToken): TokenStatus {
  return {
    kind: parsed.kind,
    issuer: parsed.issuer,
    subject: parsed.subject,
    audience: [...parsed.audience],
    issuedAtMs: parsed.issuedAtMs,
    expiresAtMs: parsed.expiresAtMs,
    warnAfterMs: parsed.warnAfterMs,
    loadedAtMs: token.loadedAtMs,
    fingerprint: tokenFingerprint(parsed.token),
  }
}

function describeFailure({ error, sinceMs, count }: LastFailure, ongoing: boolean): FailureStatus {
  return { code: error.code, message: error.message, sinceMs, count, ongoing }
}
