import type { Clock } from './clock.js'
import type { Listener } from './event-hub.js'
import type { TokenKind } from './parse-token.js'
import type { Token } from './token.js'
import type { TokenError, TokenErrorCode } from './token-error.js'
import type { GetTokenOptions, TokenProvider } from './token-provider.js'
import type { WatchHealth } from './watch-supervisor.js'

/** Options of {@link createTokenWatcher}. */
export interface TokenWatcherOptions {
  /**
   * The token file. A relative path is resolved at once. `..` takes away the name before it, also where that is a
   * symbolic link to somewhere else.
   * @default '/var/run/secrets/kubernetes.io/serviceaccount/token', the pod's own token for the API server
   */
  path?: string | undefined
  /** A token on disk that names none of these is refused. Recommended. @default any */
  audience?: string | string[] | undefined
  /** A token on disk from another issuer is refused. @default any */
  issuer?: string | undefined
  /** A token on disk of another subject (`system:serviceaccount:NAMESPACE:NAME`) is refused. @default any */
  subject?: string | undefined
  /**
   * The cadence: the longest time between two reads, in milliseconds, from 1,000. It shrinks by itself when a rotation
   * is due and when reads fail.
   * @default 300_000, the five minutes that the guide to service account token volume projection calls enough
   */
  reloadIntervalMs?: number | undefined
  /**
   * How long, in milliseconds from 0, after its creation a watcher lets `getToken()` wait for a first good token; later
   * it rejects at once.
   * @default 10_000
   */
  startupTimeoutMs?: number | undefined
  /** A larger file is refused unread; bytes, from 1 to 2²⁶ (64 MiB). @default 1_048_576, the limit of a Secret */
  maxTokenBytes?: number | undefined
  /** Whether to watch the directory; otherwise timed reads alone find a rotation. @default true */
  watch?: boolean | undefined
  /** Whether timers and watch hold the process. @default false */
  keepAlive?: boolean | undefined
  /** @default systemClock */
  clock?: Clock | undefined
}

/** What the token in use says of itself; no secret. Times are Unix milliseconds. */
export interface TokenStatus {
  /** What sort of token it is. */
  readonly kind: TokenKind
  /** `iss`. */
  readonly issuer: string | undefined
  /** `sub`: of a service account `system:serviceaccount:NAMESPACE:NAME`. */
  readonly subject: string | undefined
  /** `aud`, also a single one as a list; empty: the token names none. */
  readonly audience: readonly string[]
  /** `iat`. */
  readonly issuedAtMs: number | undefined
  /** `exp`; `undefined`: never, or unknown. */
  readonly expiresAtMs: number | undefined
  /** `kubernetes.io.warnafter`: use after it is counted as stale although `exp` is a year away. */
  readonly warnAfterMs: number | undefined
  /** When the watcher took it into use. */
  readonly loadedAtMs: number
  /** The first 12 hexadecimal digits of the token's SHA-256: tells tokens apart in logs. */
  readonly fingerprint: string
}

/** The failures in a row that have not ended yet, or the last such row. */
export interface FailureStatus {
  /** Of the last of them. */
  readonly code: TokenErrorCode
  /** Of the last of them: the path, what was found and the remedy, no content of the file. */
  readonly message: string
  /** When the first of them happened, as Unix time in milliseconds. */
  readonly sinceMs: number
  /** How many they are. */
  readonly count: number
  /** Whether reads still fail. */
  readonly ongoing: boolean
}

/** Plain JSON, no secret. Times are Unix milliseconds. */
export interface TokenWatcherStatus {
  /** The token file, absolute. */
  readonly path: string
  /**
   * - `starting`: no token yet, `getToken()` waits;
   * - `valid`: there is a token to use;
   * - `expired`: the newest token has expired;
   * - `unavailable`: there was never a good token;
   * - `closed`.
   */
  readonly state: 'starting' | 'valid' | 'expired' | 'unavailable' | 'closed'
  /** The token in use, or the last one; `undefined`: there was none yet. */
  readonly token: TokenStatus | undefined
  /** When the kubelet begins to replace the token; `undefined` when it has no expiry. */
  readonly rotationDueAtMs: number | undefined
  /** Whether the kubelet should have replaced it by now. */
  readonly overdue: boolean
  /** When the next read is due, unless something asks for one before; `undefined`: closed. */
  readonly nextReadAtMs: number | undefined
  /** When the last read began; `undefined`: none has. */
  readonly lastReadAtMs: number | undefined
  /** How many reads have begun. */
  readonly reads: number
  /**
   * How many of these reads gave no token that could be used, by the code of the error: it counts a failed read and a
   * refused candidate once each, also while the token in use is valid. It only grows; a code without failures is absent.
   */
  readonly failures: Readonly<Partial<Record<TokenErrorCode, number>>>
  /** How often another token replaced the one in use; the first one does not count. */
  readonly rotations: number
  /** Whether changes are seen as they happen. */
  readonly watch: WatchHealth
  /** The failures that go on, or the last row of them; `undefined`: there were none. */
  readonly lastFailure: FailureStatus | undefined
  /** What an operator should know although it works. */
  readonly warnings: readonly TokenWarning[]
}

/**
 * - `LEGACY_TOKEN`: never expires, names no audience: move to a projected token;
 * - `UNEXPIRING_TOKEN`, `OPAQUE_TOKEN`: its life is unknown, so only the cadence finds its successor;
 * - `NOT_YET_VALID`: its `nbf` lies over 60 s ahead: the node's clock, or the API server's, is wrong.
 */
export type TokenWarning = 'LEGACY_TOKEN' | 'UNEXPIRING_TOKEN' | 'OPAQUE_TOKEN' | 'NOT_YET_VALID'

/** The events of a {@link TokenWatcher}, with what their listeners get. */
export interface TokenWatcherEvents {
  /** Another token replaced the previous one; not the first token. */
  rotated: { readonly token: Token; readonly previous: Token }
  /** The first failure of an episode: a read, or a refused candidate. */
  failed: { readonly error: TokenError }
  /** The end of that episode: how many failures it had, and when (Unix milliseconds) the first one was. */
  recovered: { readonly failures: number; readonly sinceMs: number }
  /** The kubelet should have rotated this token by now; once a token. It was due at that Unix time in milliseconds. */
  overdue: { readonly token: Token; readonly rotationDueAtMs: number }
  /** Nothing replaced this token in time; once a token. */
  expired: { readonly token: Token }
  /** The health of the watch changed. */
  watch: WatchHealth
}

/** Their names. */
export const TOKEN_WATCHER_EVENTS = ['rotated', 'failed', 'recovered', 'overdue', 'expired', 'watch'] as const

/** Watches and reloads one token file. */
export interface TokenWatcher extends TokenProvider, AsyncDisposable {
  /**
   * Reads the file now.
   *
   * @returns the token in use after the read; while it is valid, a failed read is an event and a status only.
   * @throws {@link TokenError} when there is no valid token.
   */
  reload(options?: GetTokenOptions): Promise<Token>
  /** What there is and what comes next, as plain JSON; no secret, no I/O. */
  status(): TokenWatcherStatus
  /** Calls the listener at each such event. A listener that throws becomes a process warning. */
  on<Name extends keyof TokenWatcherEvents>(event: Name, listener: Listener<TokenWatcherEvents[Name]>): this
  /** Calls the listener at the next such event only. */
  once<Name extends keyof TokenWatcherEvents>(event: Name, listener: Listener<TokenWatcherEvents[Name]>): this
  /** Undoes `on()` or `once()`. */
  off<Name extends keyof TokenWatcherEvents>(event: Name, listener: Listener<TokenWatcherEvents[Name]>): this
  /** Ends timers and watch; `getToken()` rejects with `ERR_WATCHER_CLOSED`. Fulfils when a running read has ended. */
  close(): Promise<void>
}
