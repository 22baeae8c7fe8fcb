import type { ProxyAnswerCode } from './proxy-answer.js'
import { INVALID_RESPONSE } from './response-rule.js'
import { codeOf, NoTokenError } from './token-guard.js'

const BY_CODE: Readonly<Record<string, ProxyAnswerCode>> = {
  ECONNREFUSED: 'ERR_PROXY_UPSTREAM_CONNECT',
  EHOSTUNREACH: 'ERR_PROXY_UPSTREAM_CONNECT',
  ENETUNREACH: 'ERR_PROXY_UPSTREAM_CONNECT',
  ENOTFOUND: 'ERR_PROXY_UPSTREAM_CONNECT',
  EAI_AGAIN: 'ERR_PROXY_UPSTREAM_CONNECT',
  ETIMEDOUT: 'ERR_PROXY_UPSTREAM_TIMEOUT',
  UND_ERR_CONNECT_TIMEOUT: 'ERR_PROXY_UPSTREAM_TIMEOUT',
  UND_ERR_HEADERS_TIMEOUT: 'ERR_PROXY_UPSTREAM_TIMEOUT',
  UND_ERR_BODY_TIMEOUT: 'ERR_PROXY_UPSTREAM_TIMEOUT',
  ECONNRESET: 'ERR_PROXY_UPSTREAM_RESET',
  EPIPE: 'ERR_PROXY_UPSTREAM_RESET',
  UND_ERR_SOCKET: 'ERR_PROXY_UPSTREAM_RESET',
  EPROTO: 'ERR_PROXY_UPSTREAM_TLS',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'ERR_PROXY_UPSTREAM_TLS',
  SELF_SIGNED_CERT_IN_CHAIN: 'ERR_PROXY_UPSTREAM_TLS',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'ERR_PROXY_UPSTREAM_TLS',
  UNABLE_TO_GET_ISSUER_CERT: 'ERR_PROXY_UPSTREAM_TLS',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'ERR_PROXY_UPSTREAM_TLS',
  HOSTNAME_MISMATCH: 'ERR_PROXY_UPSTREAM_TLS',
  UND_ERR_HEADERS_OVERFLOW: 'ERR_PROXY_UPSTREAM_INVALID',
  [INVALID_RESPONSE]: 'ERR_PROXY_UPSTREAM_INVALID',
  UND_ERR_INVALID_ARG: 'ERR_PROXY_REQUEST',
  UND_ERR_NOT_SUPPORTED: 'ERR_PROXY_REQUEST',
  ERR_FETCH_INVALID_TOKEN: 'ERR_PROXY_NO_TOKEN',
}
const BY_PREFIX: readonly (readonly [prefix: string, code: ProxyAnswerCode])[] = [
  ['ERR_TLS_', 'ERR_PROXY_UPSTREAM_TLS'],
  ['ERR_SSL_', 'ERR_PROXY_UPSTREAM_TLS'],
  ['CERT_', 'ERR_PROXY_UPSTREAM_TLS'],
  ['CRL_', 'ERR_PROXY_UPSTREAM_TLS'],
  ['ERR_HTTP2_', 'ERR_PROXY_UPSTREAM_RESET'],
]

/** What the client is told about a request that got no response. */
export function classifyFailure(error: unknown): ProxyAnswerCode {
  if (error instanceof NoTokenError) return 'ERR_PROXY_NO_TOKEN'
  // Whose code depends on what it stumbled over, and may be missing.
  if ((error as Error | undefined)?.name === 'HTTPParserError') return 'ERR_PROXY_UPSTREAM_INVALID'
  const code = codeOf(error)
  if (code === undefined) return 'ERR_PROXY_UPSTREAM'
  return BY_CODE[code] ?? BY_PREFIX.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 'ERR_PROXY_UPSTREAM'
}

/**
 * Whether a request is sent again because its connection died: an idle one that the upstream closes in the moment in
 * which we use it is nobody's fault. Once, and only what may be repeated (RFC 9110, section 9.2.2) and has no body.
 */
export function mayResend(method: string, hasBody: boolean, error: unknown, attempt: number): boolean {
  return (
    attempt === 0 &&
    !hasBody &&
    (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') &&
    classifyFailure(error) === 'ERR_PROXY_UPSTREAM_RESET'
  )
}
