import {
  locateTokenFile,
  type ParsedToken,
  parseToken,
  readTokenFile,
  TokenError,
  type TokenErrorCode,
  type TokenFile,
} from '@projected-token/core'
import type { CliIo } from '../io.js'
import type { ExpectationOptions } from '../options.js'
import { findFindings } from './findings.js'
import { type DirectoryFacts, fileFacts, type Inspection } from './inspection.js'
import { loadKeySet } from './key-set.js'
import { tokenFacts } from './token-facts.js'
import { findTokenLikeFiles } from './token-like-files.js'
import { UNCHECKED, verifySignature } from './verify-signature.js'

/** The library's default: the limit of a Secret. */
const MAX_TOKEN_BYTES = 1_048_576

/** What `inspect` was asked. */
export interface InspectRequest extends ExpectationOptions {
  path: string
  /** URL or file of the issuer's keys. */
  jwks?: string
}

/** Looks at a token file. What cannot be read is a finding, not an error. */
export async function inspectToken(request: InspectRequest, io: CliIo): Promise<Inspection> {
  const { path, jwks } = request
  const [file, place] = await Promise.all([
    readTokenFile(path, MAX_TOKEN_BYTES).catch(asTokenError),
    locateTokenFile(path).catch(() => undefined),
  ])
  const nowMs = io.clock.now()
  const failed = async ({ code, message, path: at }: TokenError, read?: TokenFile): Promise<Inspection> => ({
    ok: false,
    path,
    inspectedAtMs: nowMs,
    file: read && fileFacts(read, place),
    token: undefined,
    signature: UNCHECKED,
    findings: [{ severity: 'error', code, message }],
    nearby: await lookNearby(code, code === 'ERR_TOKEN_NOT_A_FILE' ? at : place?.directory),
  })
  if (file instanceof TokenError) return failed(file)
  const parsed = attempt(() => parseToken(file.content, path))
  if (parsed instanceof TokenError) return failed(parsed, file)

  const token = tokenFacts(parsed, file, nowMs)
  const signature =
    jwks === undefined
      ? UNCHECKED
      : await verifySignature(parsed, token, await loadKeySet(jwks, io.clock, io.signal), jwks)
  const facts = { file: fileFacts(file, place), token, signature }
  const findings = findFindings({ ...facts, expected: request, nowMs })
  const ok = findings.every(({ severity }) => severity !== 'error')
  return { ok, path, inspectedAtMs: nowMs, ...facts, findings, nearby: undefined }
}

/** Where the token may be instead. */
async function lookNearby(
  code: TokenErrorCode,
  directory: string | undefined,
): Promise<DirectoryFacts | undefined> {
  const isMissing = code === 'ERR_TOKEN_NOT_FOUND' || code === 'ERR_TOKEN_NOT_A_FILE'
  return isMissing && directory !== undefined ? findTokenLikeFiles(directory) : undefined
}

function asTokenError(error: unknown): TokenError {
  if (error instanceof TokenError) return error
  throw error
}

function attempt(parse: () => ParsedToken): ParsedToken | TokenError {
  try {
    return parse()
  } catch (error) {
    return asTokenError(error)
  }
}
