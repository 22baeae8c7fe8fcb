import { decodeJwt } from 'jose/jwt/decode'
import { quotePath } from './format.js'
import { TokenError } from './token-error.js'
import { isTokenText } from './token-text.js'

/**
 * What a token is:
 * - `bound`: a JWT with an expiry, as the TokenRequest API issues them;
 * - `legacy`: a JWT from a service account Secret: it never expires and names no audience;
 * - `unexpiring`: any other JWT without `exp`;
 * - `opaque`: not a JWT; nothing is known of it.
 */
export type TokenKind = 'bound' | 'legacy' | 'unexpiring' | 'opaque'

/** An object that a token is bound to. */
export interface ObjectReference {
  /** Its name in Kubernetes. */
  readonly name: string
  /** Tells it from another object of that name; `undefined`: the token does not say it. */
  readonly uid: string | undefined
}

/** A token and what it says of itself. Nothing here is verified: only the server that it is sent to can do that. */
export interface ParsedToken {
  /** The secret, without white space or byte order mark around it. */
  readonly token: string
  /** What sort of token it is; of an `opaque` one everything below is `undefined` or empty. */
  readonly kind: TokenKind
  /** `jti`. */
  readonly id: string | undefined
  /** `iss`. */
  readonly issuer: string | undefined
  /** `sub`: of a service account `system:serviceaccount:NAMESPACE:NAME`. */
  readonly subject: string | undefined
  /** `aud`, also a single one as a list; empty: the token names none. */
  readonly audience: readonly string[]
  /** `iat`, as Unix time in milliseconds. */
  readonly issuedAtMs: number | undefined
  /** `nbf`, as Unix time in milliseconds. */
  readonly notBeforeMs: number | undefined
  /** `exp`, as Unix time in milliseconds. */
  readonly expiresAtMs: number | undefined
  /** `kubernetes.io.warnafter`, in Unix milliseconds: use after it is counted as stale although `exp` is a year away. */
  readonly warnAfterMs: number | undefined
  /** That of the service account, and so of the pod. */
  readonly namespace: string | undefined
  /** Whom the token speaks for. */
  readonly serviceAccount: ObjectReference | undefined
  /** The pod that the token is bound to; `undefined`: to none. */
  readonly pod: ObjectReference | undefined
  /** The node of that pod, or the one that the token itself is bound to. */
  readonly node: ObjectReference | undefined
}

/** Unix seconds of 9999-12-31T23:59:59Z, the last moment that RFC 3339 (and so Kubernetes' API) can write. */
const MAX_NUMERIC_DATE = 253_402_300_799
/** Kubernetes' claims nest three deep. */
const MAX_CLAIMS_DEPTH = 32
const LEGACY_ISSUER = 'kubernetes/serviceaccount'

/**
 * Reads the content of a token file: one token, whatever white space or byte order mark stands around it.
 *
 * @param content UTF-8 bytes, or text.
 * @param path for the error's message.
 * @throws {@link TokenError} `ERR_TOKEN_EMPTY` or `ERR_TOKEN_MALFORMED`; its message says what is wrong, not what was read.
 */
export function parseToken(content: Uint8Array | string, path?: string): ParsedToken {
  const malformed = (problem: string) =>
    new TokenError(
      `${describePath(path)} ${problem}. Expected exactly one token; it may be half written, or not a token file`,
      { code: 'ERR_TOKEN_MALFORMED', path },
    )
  const text = typeof content === 'string' ? content : Buffer.from(content).toString('latin1')
  const token = trimWhiteSpace(text.replace(/^(?:\ufeff|\u00ef\u00bb\u00bf)/, ''))
  if (token === '') {
    throw new TokenError(
      `${describePath(path)} is empty. The writer may not be done, or the token was blanked`,
      {
        code: 'ERR_TOKEN_EMPTY',
        path,
      },
    )
  }
  if (/[ \t\r\n]/.test(token)) throw malformed('holds white space inside: more than one token, or none')
  if (!isTokenText(token)) throw malformed('holds bytes that no token has (binary, control or non-ASCII)')

  if (!isMeantAsJwt(token)) return { ...NOTHING_KNOWN, token, kind: 'opaque' }
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw malformed('holds a JWT that is cut short or damaged')
  return parseClaims(token, malformed)
}

const NOTHING_KNOWN = {
  id: undefined,
  issuer: undefined,
  subject: undefined,
  audience: [],
  issuedAtMs: undefined,
  notBeforeMs: undefined,
  expiresAtMs: undefined,
  warnAfterMs: undefined,
  namespace: undefined,
  serviceAccount: undefined,
  pod: undefined,
  node: undefined,
}

/** By index from both ends: a regular expression takes a time that grows with the square of white space inside. */
function trimWhiteSpace(text: string): string {
  const isSpace = (index: number) => ' \t\r\n'.includes(text.charAt(index))
  let start = 0
  let end = text.length
  while (start < end && isSpace(start)) start++
  while (end > start && isSpace(end - 1)) end--
  return text.slice(start, end)
}

/**
 * Whether the text is a JWT, or what is left of one. A JWT begins with its header: the base64url of a JSON object with
 * `alg`. An encrypted JWT (five parts, `enc` in the header) and any other text are opaque; `eyJ`, the base64url of `{"`,
 * with which nearly every header begins, and no whole header after it is one that was cut short.
 */
function isMeantAsJwt(token: string): boolean {
  const parts = token.split('.', 6)
  const header = decodeHeader(parts[0] ?? '')
  if (header === undefined) return token.startsWith('eyJ')
  if (header.enc !== undefined) return parts.length !== 5
  return header.alg !== undefined || parts.length > 1
}

function decodeHeader(part: string): Record<string, unknown> | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return isRecord(header) ? header : undefined
  } catch {
    return undefined
  }
}

function parseClaims(token: string, malformed: (problem: string) => TokenError): ParsedToken {
  let claims: Record<string, unknown>
  try {
    claims = decodeJwt(token)
  } catch {
    // The decoder's error may quote the payload, so it is not kept as the cause.
    throw malformed('holds a JWT whose claims cannot be decoded')
  }
  if (depthExceeds(claims, MAX_CLAIMS_DEPTH))
    throw malformed(`holds a JWT with claims nested over ${MAX_CLAIMS_DEPTH} deep`)

  const text = (value: unknown, name: string): string | undefined => {
    if (value === undefined || typeof value === 'string') return value
    throw malformed(`holds a JWT whose '${name}' is not a string`)
  }
  const time = (value: unknown, name: string): number | undefined => {
    if (value === undefined) return undefined
    if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_NUMERIC_DATE) {
      return (value as number) * 1000
    }
    throw malformed(
      `holds a JWT whose '${name}' is not a whole number of seconds from 0 to ${MAX_NUMERIC_DATE}`,
    )
  }
  const reference = (value: unknown): ObjectReference | undefined =>
    isRecord(value) && typeof value.name === 'string'
      ? { name: value.name, uid: typeof value.uid === 'string' ? value.uid : undefined }
      : undefined

  const audience = claims.aud === undefined ? [] : Array.isArray(claims.aud) ? claims.aud : [claims.aud]
  if (!audience.every((one) => typeof one === 'string'))
    throw malformed("holds a JWT whose 'aud' is not strings")
  const issuer = text(claims.iss, 'iss')
  const expiresAtMs = time(claims.exp, 'exp')
  const kubernetes = isRecord(claims['kubernetes.io']) ? claims['kubernetes.io'] : {}
  const legacyName = text(claims['kubernetes.io/serviceaccount/service-account.name'], 'service-account.name')
  return {
    token,
    kind: expiresAtMs !== undefined ? 'bound' : issuer === LEGACY_ISSUER ? 'legacy' : 'unexpiring',
    id: text(claims.jti, 'jti'),
    issuer,
    subject: text(claims.sub, 'sub'),
    audience,
    issuedAtMs: time(claims.iat, 'iat'),
    notBeforeMs: time(claims.nbf, 'nbf'),
    expiresAtMs,
    warnAfterMs: time(kubernetes.warnafter, 'kubernetes.io.warnafter'),
    namespace:
      text(kubernetes.namespace, 'kubernetes.io.namespace') ??
      text(claims['kubernetes.io/serviceaccount/namespace'], 'kubernetes.io/serviceaccount/namespace'),
    serviceAccount:
      reference(kubernetes.serviceaccount) ??
      (legacyName === undefined
        ? undefined
        : {
            name: legacyName,
            uid: text(claims['kubernetes.io/serviceaccount/service-account.uid'], 'service-account.uid'),
          }),
    pod: reference(kubernetes.pod),
    node: reference(kubernetes.node),
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Level by level, not by recursion: the depth is the attacker's. */
function depthExceeds(value: unknown, limit: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
  return false
}

function describePath(path: string | undefined): string {
  return path === undefined ? 'The token' : `Token file ${quotePath(path)}`
}
