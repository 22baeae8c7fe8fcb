import { formatDuration, formatTime } from '../format.js'
import { type Judgement, warning } from '../inspect/findings.js'
import type { FileFacts, TokenFacts } from '../inspect/inspection.js'

/** The least that the API server grants (`minExpirationSeconds` in pkg/apis/authentication/validation). */
const MIN_LIFE_MS = 600_000
/** The kubelet writes what it got at once; a second is lost to `iat`, which has no fractions. */
const BEHIND_TOLERANCE_MS = 10_000
/** It may write later a token that it kept: another source of the volume changed, or a write had failed. */
const AHEAD_TOLERANCE_MS = 60_000

/** Compares a token's life with how it is renewed and read. Pure. */
export function* judgeLife(token: TokenFacts, cadenceMs: number | undefined): Generator<Judgement> {
  const { issuedAtMs, expiresAtMs, warnAfterMs, overdueAtMs } = token
  if (issuedAtMs === undefined || expiresAtMs === undefined || overdueAtMs === undefined) return
  const endMs = Math.min(expiresAtMs, warnAfterMs ?? expiresAtMs)
  const lifeMs = endMs - issuedAtMs
  if (lifeMs < MIN_LIFE_MS) {
    yield warning('SHORT_LIVED', `It lives ${formatDuration(lifeMs)}.`)
  }
  const overlapMs = endMs - overdueAtMs
  if (cadenceMs !== undefined && cadenceMs > overlapMs) {
    yield warning(
      'CADENCE_TOO_SLOW',
      `The file is read every ${formatDuration(cadenceMs)}, while a successor may lie there for only ` +
        `${formatDuration(overlapMs)} before the old token expires.`,
    )
  }
}

/**
 * Compares the clocks: the kubelet writes a token by the node's, right after the API server issued it by its own. A
 * write before the issue proves that they differ; a late write proves it only where no kubelet would have written that
 * token. Pure.
 */
export function* judgeClocks(token: TokenFacts, file: FileFacts | undefined): Generator<Judgement> {
  const { issuedAtMs, overdueAtMs } = token
  if (file?.layout !== 'projection' || issuedAtMs === undefined) return
  const { modifiedAtMs } = file
  const seen = (difference: string) =>
    `The node wrote the file at ${formatTime(modifiedAtMs)}, ${difference} the API server issued the token.`
  if (issuedAtMs - modifiedAtMs > BEHIND_TOLERANCE_MS) {
    yield warning('CLOCK_BEHIND', seen(`${formatDuration(issuedAtMs - modifiedAtMs)} before`))
  }
  const wasOverdue = overdueAtMs !== undefined && modifiedAtMs > overdueAtMs
  if (wasOverdue && modifiedAtMs - issuedAtMs > AHEAD_TOLERANCE_MS) {
    yield warning(
      'CLOCK_AHEAD',
      `${seen(`${formatDuration(modifiedAtMs - issuedAtMs)} after`)} It was overdue then.`,
    )
  }
}
