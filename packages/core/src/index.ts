export { type Clock, systemClock, type TimerOptions } from './clock.js'
export type { Listener } from './event-hub.js'
export { type ObjectReference, type ParsedToken, parseToken, type TokenKind } from './parse-token.js'
export { overdueAtMs, rotationDueAtMs, type TokenTimes } from './rotation.js'
export { createToken, type Token, type TokenFields } from './token.js'
export { TokenError, type TokenErrorCode, type TokenErrorOptions } from './token-error.js'
export { locateTokenFile, readTokenFile, type TokenFile, type TokenFilePlace } from './token-file.js'
export { tokenFingerprint } from './token-fingerprint.js'
export type { GetTokenOptions, TokenProvider } from './token-provider.js'
export { createTokenWatcher } from './token-watcher.js'
export type {
  FailureStatus,
  TokenStatus,
  TokenWarning,
  TokenWatcher,
  TokenWatcherEvents,
  TokenWatcherOptions,
  TokenWatcherStatus,
} from './token-watcher-types.js'
export type { WatchHealth } from './watch-supervisor.js'
export { DEFAULT_TOKEN_PATH } from './watcher-options.js'
