import type { TokenWatcherStatus } from '@projected-token/core'

/** What `watch --json` prints, one a line: when, what, the details of the event, and the watcher's status after it. */
export interface WatchEvent {
  /** ISO 8601. */
  readonly time: string
  readonly event: WatchEventName
  readonly status: TokenWatcherStatus
  /** `rotated`: the token before. */
  readonly previousFingerprint?: string
  /** `waiting`, `failed`: why. */
  readonly error?: { readonly code: string; readonly message: string }
  /** `recovered`: how many reads had failed, and since when. */
  readonly failures?: number
  readonly sinceMs?: number
  /** `ended`: why. */
  readonly reason?: EndReason
}

/**
 * `started` (the first token) or `waiting` (there is none yet) comes first, `ended` last; the others are those of the
 * library: `rotated`, `failed`, `recovered`, `overdue`, `expired`, `watch`.
 */
export type WatchEventName =
  | 'started'
  | 'waiting'
  | 'rotated'
  | 'failed'
  | 'recovered'
  | 'overdue'
  | 'expired'
  | 'watch'
  | 'ended'

/** Why watching ended: `rotations` (`--until-rotations`), `timeout` (`--timeout`), or an interruption. */
export type EndReason = 'rotations' | 'timeout' | 'SIGINT' | 'SIGTERM' | 'EPIPE'
