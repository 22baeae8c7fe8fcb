import { describeExpiry, isExpired } from './expiry.js'
import { formatTime, quote } from './format.js'
import type { ParsedToken } from './parse-token.js'
import type { TokenErrorCode } from './token-error.js'

/** What the caller said the token must be. An empty audience list accepts any. */
export interface TokenExpectations {
  readonly audience: readonly string[]
  readonly issuer: string | undefined
  readonly subject: string | undefined
}

/** What is known when a token has been read from disk. */
export interface CandidateInput {
  readonly candidate: ParsedToken
  /** The token in use. */
  readonly current: ParsedToken | undefined
  /** Whether a server refused the token in use. */
  readonly currentRefused: boolean
  /** The candidate that the read before this one refused as cut short. */
  readonly suspectedTorn: string | undefined
  readonly expectations: TokenExpectations
  readonly nowMs: number
}

/** Whether a candidate may replace the token in use. */
export type Verdict =
  | { readonly kind: 'adopt' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refuse'; readonly code: TokenErrorCode; readonly problem: string }

/** Decides whether the token on disk replaces the one in use: never a worse one, never an expired one. Pure. */
export function judgeCandidate(input: CandidateInput): Verdict {
  const { candidate, current, expectations, nowMs } = input
  const mismatch = findMismatch(candidate, expectations)
  if (mismatch) return mismatch
  if (isExpired(candidate, nowMs)) {
    return { kind: 'refuse', code: 'ERR_TOKEN_EXPIRED', problem: describeExpiry(candidate, nowMs) }
  }
  if (candidate.token === current?.token) return { kind: 'unchanged' }
  if (!current || isExpired(current, nowMs)) return { kind: 'adopt' }
  if (candidate.kind === 'opaque' && current.kind !== 'opaque' && !input.currentRefused) {
    return {
      kind: 'refuse',
      code: 'ERR_TOKEN_MALFORMED',
      problem: 'holds no JWT, while the token in use is one and still valid',
    }
  }
  const isConfirmed = input.currentRefused && candidate.token === input.suspectedTorn
  if (isCutShort(candidate, current) && !isConfirmed) {
    return {
      kind: 'refuse',
      code: 'ERR_TOKEN_MALFORMED',
      problem:
        'holds a JWT whose signature is shorter than that of the token in use, as if it were half written',
    }
  }
  // A server that refused the token in use has spoken: then an older one is worth a try.
  if (!input.currentRefused && issuedBefore(candidate, current)) {
    return {
      kind: 'refuse',
      code: 'ERR_TOKEN_OLDER',
      problem: `holds a token issued at ${formatTime(candidate.issuedAtMs as number)}, before the one in use, which is still valid`,
    }
  }
  return { kind: 'adopt' }
}

function findMismatch(
  candidate: ParsedToken,
  { audience, issuer, subject }: TokenExpectations,
): Verdict | undefined {
  const refuse = (code: TokenErrorCode, claim: string, found: unknown, expected: unknown): Verdict => ({
    kind: 'refuse',
    code,
    problem: `holds a token whose ${claim} is ${found === undefined ? 'absent' : quote(found)}, not ${quote(expected)}`,
  })
  if (audience.length > 0 && !audience.some((one) => candidate.audience.includes(one))) {
    const found = candidate.audience.length === 0 ? undefined : candidate.audience
    return refuse('ERR_TOKEN_AUDIENCE', 'audience', found, audience.length === 1 ? audience[0] : audience)
  }
  if (issuer !== undefined && candidate.issuer !== issuer) {
    return refuse('ERR_TOKEN_ISSUER', 'issuer', candidate.issuer, issuer)
  }
  if (subject !== undefined && candidate.subject !== subject) {
    return refuse('ERR_TOKEN_SUBJECT', 'subject', candidate.subject, subject)
  }
  return undefined
}

function issuedBefore(candidate: ParsedToken, current: ParsedToken): boolean {
  return (
    candidate.issuedAtMs !== undefined &&
    current.issuedAtMs !== undefined &&
    candidate.issuedAtMs < current.issuedAtMs
  )
}

/**
 * A JWT that a truncating writer has not finished may lack only the end of its signature, and then decodes well. Under
 * the same protected header (algorithm and key) signatures have one length. That the same bytes are found again proves
 * nothing: a writer may pause, or have died. So it is only worth a try when a server refused the token in use.
 */
function isCutShort(candidate: ParsedToken, current: ParsedToken): boolean {
  if (candidate.kind === 'opaque' || current.kind === 'opaque') return false
  const [header, , signature] = candidate.token.split('.')
  const [currentHeader, , currentSignature] = current.token.split('.')
  return header === currentHeader && (signature?.length ?? 0) < (currentSignature?.length ?? 0)
}
