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
import {
  type DirectoryFacts,
  type FileFacts,
  type Finding,
  fileFacts,
  type Inspection,
  type SignatureFacts,
  type TokenFacts,
} from './inspection.js'
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

/** What was found at a path: a token with what speaks for it, or the failure to get one. */
export interface Examination {
  readonly path: string
  readonly nowMs: number
  readonly file: FileFacts | undefined
  readonly signature: SignatureFacts
  readonly found:
    | { readonly token: TokenFacts }
    | { readonly failure: TokenError; readonly nearby: DirectoryFacts | undefined }
}

/** Looks at a token file. What cannot be read is a finding, not an error. */
export async function inspectToken(request: InspectRequest, io: CliIo): Promise<Inspection> {
  const { path, nowMs, file, signature, found } = await examineToken(request, io)
  const about = { path, inspectedAtMs: nowMs, file }
  if ('failure' in found) {
    const { failure, nearby } = found
    const findings: Finding[] = [{ severity: 'error', code: failure.code, message: failure.message }]
    return { ok: false, ...about, token: undefined, signature, findings, nearby }
  }
  const { token } = found
  const findings = findFindings({ token, file, signature, expected: request, nowMs })
  const ok = findings.every(({ severity }) => severity !== 'error')
  return { ok, ...about, token, signature, findings, nearby: undefined }
}

/** Collects what is known of a token file, and judges nothing. */
export async function examineToken({ path, jwks }: InspectRequest, io: CliIo): Promise<Examination> {
  const [read, place] = await Promise.all([
    readTokenFile(path, MAX_TOKEN_BYTES).catch(asTokenError),
    locateTokenFile(path).catch(() => undefined),
  ])
  const nowMs = io.clock.now()
  const failed = async (failure: TokenError, file?: TokenFile): Promise<Examination> => {
    const directory = failure.code === 'ERR_TOKEN_NOT_A_FILE' ? failure.path : place?.directory
    const nearby = await lookNearby(failure.code, directory)
    return {
      path,
      nowMs,
      file: file && fileFacts(file, place),
      signature: UNCHECKED,
      found: { failure, nearby },
    }
  }
  if (read instanceof TokenError) return failed(read)
  const parsed = attempt(() => parseToken(read.content, path))
  if (parsed instanceof TokenError) return failed(parsed, read)

  const token = tokenFacts(parsed, read, nowMs)
  const signature =
    jwks === undefined
      ? UNCHECKED
      : await verifySignature(parsed, token, await loadKeySet(jwks, io.clock, io.signal), jwks)
  return { path, nowMs, file: fileFacts(read, place), signature, found: { token } }
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
