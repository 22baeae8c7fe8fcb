import type { Answer } from './answer.js'

/**
 * What a failure means, and so what is done about it:
 * - `unavailable`, `sealed`, `rate-limited`: Vault is away for a while, an outage; never a verdict on token or JWT;
 * - `role`, `mfa`: configuration that no retry heals;
 * - `jwt-refused`: this JWT is never sent again; `jwt-not-yet-valid`: it is, later;
 * - `jwt-unavailable`: there is no JWT to send;
 * - `denied`: 403 without a reason: perhaps the JWT, perhaps the API server was unreachable;
 * - `refused`: any other refusal; `tls`, `redirect`: nobody there whom the secret may be given to;
 * - `aborted`: `close()`.
 */
export type FailureClass =
  | 'unavailable'
  | 'sealed'
  | 'rate-limited'
  | 'role'
  | 'mfa'
  | 'jwt-refused'
  | 'jwt-not-yet-valid'
  | 'jwt-unavailable'
  | 'denied'
  | 'refused'
  | 'tls'
  | 'redirect'
  | 'aborted'

/** What the kubernetes plugin (`invalid role name "x"`), the jwt plugin and both say of a role. */
const ROLE =
  /invalid role name|role .+ could not be found|missing role|role with oidc role_type is not allowed/i
/** hashicorp/cap's words, and those of the libraries before it (go-jose, SermoDigital's jwt). */
const NOT_YET_VALID = /not yet valid|not valid yet|issued in the future|used before issued/i
/** Vault could not fetch the issuer's keys, or ask the API server: nothing is said about the JWT. */
const SERVER_SIDE =
  /fetching keys|get keys failed|no such host|connection refused|connection reset|i\/o timeout|deadline exceeded|TLS handshake|namespace not authorized err=/i
/**
 * Refusals of this very JWT. kubernetes mount: 403 with these texts, 500 by plugins before 0.14 (Vault 1.12). jwt
 * mount: 400.
 */
const JWT_REFUSED = new RegExp(
  [
    'error validating (?:token|claims)',
    'invalid (?:audience|expiration time|issuer|subject|ID|algorithm)',
    'token is expired',
    'claim ".*" (?:is invalid|not found in token|could not be converted)',
    'namespace not authorized',
    'service account name not authorized',
    'audience claim found in JWT but no audiences bound',
    'no issued at \\(iat\\), not before \\(nbf\\), or expiration time \\(exp\\) claims',
    'token must be signed|unexpected algorithm|malformed jwt|compact JWS format',
    'could not parse UID from claims',
    'lookup failed: (?:service account|\\[?invalid bearer token)',
    'JWT (?:names|UIDs|namepaces|namespaces) did not match',
  ].join('|'),
  'i',
)
const PERMISSION_DENIED = /^(?:\d+ errors? occurred:)?[\s*]*permission denied[\s*]*$/i
/** Recorded: Vault 1.21.0, in the last second before the maximum TTL, of a token that still works. */
const PAST_MAX_TTL = /past the max TTL/i
const SEALED = /sealed|not initialized|not yet initialized/i

/** What the answer to a login says. `undefined`: it is a success, as far as the status goes. */
export function classifyLogin(answer: Answer): FailureClass | undefined {
  const general = classifyOutage(answer)
  if (general !== undefined && general !== 'unavailable') return general
  if (answer.kind === 'none' || answer.status < 300) return general
  const said = answer.errors.join('\n')
  if (answer.status === 429 || answer.status === 503) return general
  if (SERVER_SIDE.test(said)) return answer.status < 500 ? 'refused' : 'unavailable'
  if (NOT_YET_VALID.test(said)) return 'jwt-not-yet-valid'
  // The text counts before the status: the same refusal has been 400, 403 and 500.
  if (JWT_REFUSED.test(said)) return 'jwt-refused'
  if (answer.status < 500 && ROLE.test(said)) return 'role'
  if (general !== undefined) return general
  return answer.status === 403 && PERMISSION_DENIED.test(said) ? 'denied' : 'refused'
}

/** What the answer to a renewal says; a deleted role makes it 500, so not every `unavailable` is transient. */
export function classifyRenewal(answer: Answer): FailureClass | undefined {
  const general = classifyOutage(answer)
  if (answer.kind === 'http' && answer.status === 500 && PAST_MAX_TTL.test(answer.errors.join('\n')))
    return 'refused'
  if (general !== undefined || answer.kind === 'none' || answer.status < 300) return general
  if (answer.status === 403) return 'denied'
  // 400 is Vault's verdict ("lease not found", "token not renewable"); a 404 or 405 is a proxy's.
  return answer.status === 400 ? 'refused' : 'unavailable'
}

/** What a 403 says of the token that was sent. */
export type TokenVerdict = 'dead' | 'ambiguous' | 'unrelated'

/**
 * Newer Vaults (recorded: 1.21.0) add `invalid token` when the token is dead. OpenBao and older Vaults say
 * `permission denied` then, as they do when a policy refuses.
 */
export function judgeForbidden(errors: readonly string[]): TokenVerdict {
  const said = errors.join('\n')
  if (/\binvalid token\b|\bbad token\b/i.test(said)) return 'dead'
  return said === '' || /permission denied/i.test(said) ? 'ambiguous' : 'unrelated'
}

function classifyOutage(answer: Answer): FailureClass | undefined {
  if (answer.kind === 'none') {
    return answer.why === 'transport' || answer.why === 'timeout' ? 'unavailable' : answer.why
  }
  const { status, errors } = answer
  if (status === 429) return 'rate-limited'
  if (status === 501 || (status === 503 && SEALED.test(errors.join('\n')))) return 'sealed'
  if (status === 412 || status >= 500) return 'unavailable'
  return status >= 300 && status < 400 ? 'redirect' : undefined
}
