import {
  overdueAtMs,
  type ParsedToken,
  rotationDueAtMs,
  type TokenFile,
  type TokenTimes,
  tokenFingerprint,
} from '@projected-token/core'
import { decodeProtectedHeader } from 'jose'
import type { TokenFacts } from './inspection.js'

/** Puts together what a token says of itself, and what follows from it. */
export function tokenFacts(parsed: ParsedToken, file: TokenFile, nowMs: number): TokenFacts {
  const { algorithm, keyId } = headerFacts(parsed)
  const times: TokenTimes = {
    // Without `iat`, the write is the nearest thing to an issue that is known.
    issuedAtMs: parsed.issuedAtMs ?? parsed.notBeforeMs ?? file.modifiedAtMs,
    expiresAtMs: parsed.expiresAtMs,
    warnAfterMs: parsed.warnAfterMs,
  }
  const lateMs = overdueAtMs(times)
  return {
    kind: parsed.kind,
    fingerprint: tokenFingerprint(parsed.token),
    algorithm,
    keyId,
    id: parsed.id,
    issuer: parsed.issuer,
    subject: parsed.subject,
    audience: parsed.audience,
    namespace: parsed.namespace,
    serviceAccount: parsed.serviceAccount,
    pod: parsed.pod,
    node: parsed.node,
    issuedAtMs: parsed.issuedAtMs,
    notBeforeMs: parsed.notBeforeMs,
    expiresAtMs: parsed.expiresAtMs,
    warnAfterMs: parsed.warnAfterMs,
    rotationDueAtMs: rotationDueAtMs(times),
    overdueAtMs: lateMs,
    expired: parsed.expiresAtMs !== undefined && parsed.expiresAtMs <= nowMs,
    overdue: lateMs !== undefined && lateMs <= nowMs,
  }
}

function headerFacts(parsed: ParsedToken): { algorithm: string | undefined; keyId: string | undefined } {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  if (parsed.kind === 'opaque') return { algorithm: undefined, keyId: undefined }
  try {
    const header = decodeProtectedHeader(parsed.token)
    return { algorithm: text(header.alg), keyId: text(header.kid) }
  } catch {
    return { algorithm: undefined, keyId: undefined }
  }
}
