/** How much an event should worry the one who reads it. */
export type Severity = 'good' | 'info' | 'warning' | 'error'

/** What happened to a source, without when and where. */
export interface Happening {
  readonly type: string
  readonly severity: Severity
  readonly text: string
  /** The stable code of a failure. */
  readonly code?: string
}
