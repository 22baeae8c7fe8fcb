import type { SourceStatus } from './source-status.js'

/** A source without a valid token. */
export interface UnreadySource {
  readonly name: string
  readonly kind: SourceStatus['kind']
  readonly state: string
  /** The code of its last failure; `undefined` while it has not failed. */
  readonly code: string | undefined
}

/** What a readiness probe is told. */
export interface Readiness {
  readonly ready: boolean
  readonly stopping: boolean
  readonly unready: readonly UnreadySource[]
}

/** Ready means that every source would give its token now. */
export function judgeReadiness(sources: readonly SourceStatus[], stopping: boolean): Readiness {
  const unready = sources
    .filter(({ status }) => status.state !== 'valid')
    .map(({ name, kind, status }) => ({ name, kind, state: status.state, code: status.lastFailure?.code }))
  return { ready: unready.length === 0 && !stopping, stopping, unready }
}
