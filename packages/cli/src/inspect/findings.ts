import { formatDuration, formatTime } from '../format.js'
import type { ExpectationOptions } from '../options.js'
import type { FileFacts, Finding, SignatureFacts, TokenFacts } from './inspection.js'

/** The API server's leeway for `nbf`: go-jose's `DefaultLeeway`, one minute. */
const CLOCK_TOLERANCE_MS = 60_000
/** The kubelet replaces a token after a day at the latest, so a longer life is meant for something else. */
const LONG_LIFE_MS = 2 * 24 * 60 * 60_000
const OTHERS_MAY_READ = 0o004

/** What speaks against a token, and what helps: `inspect` tells both in one message, `doctor` one by one. */
export interface Judgement {
  readonly severity: Finding['severity']
  readonly code: string
  readonly seen: string
  /** What this very case asks for. */
  readonly remedy?: string | undefined
}

export const error = (code: string, seen: string, remedy?: string): Judgement => ({
  severity: 'error',
  code,
  seen,
  remedy,
})
export const warning = (code: string, seen: string, remedy?: string): Judgement => ({
  severity: 'warning',
  code,
  seen,
  remedy,
})

/** What is known when a token is judged. */
export interface Evidence {
  readonly token: TokenFacts
  readonly file: FileFacts | undefined
  readonly signature: SignatureFacts
  readonly expected: ExpectationOptions
  readonly nowMs: number
}

/** The findings of `inspect`. Pure. */
export function findFindings(evidence: Evidence): Finding[] {
  return judgeToken(evidence).map(({ severity, code, seen, remedy }) => ({
    severity,
    code,
    message: remedy === undefined ? seen : `${seen} ${remedy}`,
  }))
}

/** Judges a token: errors first. Pure. */
export function judgeToken(evidence: Evidence): Judgement[] {
  const findings = [
    ...lifeFindings(evidence),
    ...expectationFindings(evidence.token, evidence.expected),
    ...signatureFindings(evidence.signature),
    ...kindFindings(evidence.token),
    ...(evidence.file ? fileFindings(evidence.file) : []),
  ]
  return findings.sort((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'))
}

function* lifeFindings({ token, file, nowMs }: Evidence): Generator<Judgement> {
  const { expiresAtMs, issuedAtMs, notBeforeMs, rotationDueAtMs, warnAfterMs } = token
  if (token.expired && expiresAtMs !== undefined) {
    yield error(
      'ERR_TOKEN_EXPIRED',
      `It expired ${formatDuration(nowMs - expiresAtMs)} ago and was not replaced.`,
      rotationRemedy(file),
    )
  } else if (token.overdue && rotationDueAtMs !== undefined) {
    yield warning(
      'OVERDUE',
      `The kubelet should have replaced it: that was due ${formatDuration(nowMs - rotationDueAtMs)} ago.`,
      rotationRemedy(file),
    )
  }
  if (notBeforeMs !== undefined && notBeforeMs > nowMs + CLOCK_TOLERANCE_MS) {
    yield error(
      'NOT_YET_VALID',
      `It is not valid before ${formatTime(notBeforeMs)}, in ${formatDuration(notBeforeMs - nowMs)}.`,
      "The clock of this machine, or of the API server's, is wrong.",
    )
  }
  if (warnAfterMs !== undefined && warnAfterMs <= nowMs && !token.expired) {
    yield warning(
      'STALE',
      `The API server counts it as stale since ${formatTime(warnAfterMs)} (warnafter), although it still accepts it.`,
    )
  } else if (warnAfterMs !== undefined && !token.expired) {
    yield warning(
      'EXTENDED_EXPIRY',
      'Its expiry was extended by the API server; count on warnafter, and on the rotation, instead.',
    )
  } else if (
    expiresAtMs !== undefined &&
    issuedAtMs !== undefined &&
    expiresAtMs - issuedAtMs > LONG_LIFE_MS
  ) {
    yield warning(
      'LONG_LIVED',
      `It lives ${formatDuration(expiresAtMs - issuedAtMs)}, so whoever takes it has it as long.`,
      "Lower the volume's expirationSeconds.",
    )
  }
}

function* expectationFindings(token: TokenFacts, expected: ExpectationOptions): Generator<Judgement> {
  const quote = (values: readonly string[]) => values.map((value) => JSON.stringify(value)).join(', ')
  const found = (value: string | undefined) => (value === undefined ? 'absent' : quote([value]))
  const { audience, issuer, subject } = expected
  if (audience && !audience.some((one) => token.audience.includes(one))) {
    yield error(
      'ERR_TOKEN_AUDIENCE',
      `It is for ${quote(token.audience) || 'no audience at all'}, not for ${quote(audience)}.`,
      "Set the audience of the volume's serviceAccountToken source.",
    )
  }
  if (issuer !== undefined && token.issuer !== issuer) {
    yield error('ERR_TOKEN_ISSUER', `Its issuer is ${found(token.issuer)}, not ${quote([issuer])}.`)
  }
  if (subject !== undefined && token.subject !== subject) {
    yield error('ERR_TOKEN_SUBJECT', `Its subject is ${found(token.subject)}, not ${quote([subject])}.`)
  }
}

function* signatureFindings({ state, reason }: SignatureFacts): Generator<Judgement> {
  if (state === 'invalid') yield error('ERR_SIGNATURE_INVALID', `The signature is not good: ${reason}.`)
  if (state === 'unknown')
    yield error('ERR_SIGNATURE_UNKNOWN', `The signature could not be checked: ${reason}.`)
}

function* kindFindings({ kind }: TokenFacts): Generator<Judgement> {
  if (kind === 'legacy') {
    yield warning(
      'LEGACY_TOKEN',
      'It is the token of a Secret: it never expires and is bound to no audience.',
      'Use a projected volume instead.',
    )
  }
  if (kind === 'unexpiring') {
    yield warning('UNEXPIRING_TOKEN', 'It has no expiry: nothing tells when its successor is needed.')
  }
  if (kind === 'opaque') {
    yield warning('OPAQUE_TOKEN', 'It is not a JWT: nothing is known of it, not even when it expires.')
  }
}

function* fileFindings({ layout, mode }: FileFacts): Generator<Judgement> {
  if (layout === 'mounted-file') {
    yield warning(
      'NEVER_UPDATED',
      'The file is mounted by itself (a subPath, or a single-file mount): the kubelet never updates it.',
      'Mount the whole volume.',
    )
  }
  if ((Number.parseInt(mode, 8) & OTHERS_MAY_READ) !== 0) {
    yield warning(
      'WORLD_READABLE',
      `Every user of the container can read it (mode ${mode}).`,
      'Set fsGroup (0640), or the same runAsUser for all containers (0600).',
    )
  }
}

function rotationRemedy(file: FileFacts | undefined): string {
  switch (file?.layout) {
    case 'mounted-file':
      return 'A file that is mounted by itself (subPath) is never updated: mount the whole volume.'
    case 'projection':
      return "Look at the events of the pod, and at the kubelet's log."
    default:
      return 'It does not lie in a volume of a kubelet, so something else has to replace it.'
  }
}
