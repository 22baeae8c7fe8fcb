import type { LoggedEvent } from './event-log.js'
import type { ProxyCounts, SinkCounts } from './ledger.js'
import type { SourceStatus } from './source-status.js'

/** All that the sidecar shows of itself: plain JSON, no secret. Times are Unix milliseconds of its own clock. */
export interface Report {
  readonly version: string
  /** The machine's name: in Kubernetes the pod's. */
  readonly host: string
  readonly startedAtMs: number
  readonly ready: boolean
  readonly stopping: boolean
  readonly sources: readonly SourceStatus[]
  readonly proxies: readonly ProxyCounts[]
  readonly sinks: readonly SinkCounts[]
  /** The newest first. */
  readonly events: readonly LoggedEvent[]
}

/** A report, and when it was made. */
export interface TimedReport extends Report {
  readonly nowMs: number
  readonly uptimeMs: number
}
