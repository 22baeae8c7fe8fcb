import type { TokenProvider } from '@projected-token/core'
import { type CredentialHeader, createCredentialHeader } from './credential-header.js'
import { checkHeaderName } from './header-name.js'
import { kindOf } from './kind-of.js'
import { createOriginPolicy, type OriginPolicy } from './origin-policy.js'

/** What the fetch wrapper and the undici interceptor share. */
export interface CredentialOptions {
  /**
   * The origins that may receive the token, for example `'https://api.example:8443'`: scheme, host and port, nothing
   * else. Requests to any other origin pass untouched, without the token. `http:` origins are allowed (a sidecar, a
   * service inside the cluster) but only those named here. There are no wildcards.
   */
  origins: string | URL | readonly (string | URL)[]
  /**
   * The header that carries the token. A request that already has it is left alone.
   *
   * @default 'authorization'
   */
  header?: string | undefined
  /**
   * The authentication scheme before the token; `''` sends the bare token, as `X-Vault-Token` wants it.
   *
   * @default 'Bearer' (RFC 6750, section 2.1)
   */
  scheme?: string | undefined
}

/** The options, checked. */
export interface Credential {
  readonly origins: OriginPolicy
  readonly headerName: string
  readonly headerValue: CredentialHeader
}

/**
 * By hand, not by core's checks: this package takes types alone from core, so that who brings another provider loads
 * nothing of it.
 *
 * @throws TypeError naming the option, what it got and what it wants; never with a value that could be secret.
 */
export function checkOptions(
  provider: TokenProvider,
  options: CredentialOptions,
  more: string[],
): Credential {
  for (const method of ['getToken', 'invalidate'] as const) {
    if (typeof provider?.[method] !== 'function') {
      throw new TypeError(
        `'provider' must be a TokenProvider: an object with a '${method}' function, got ${kindOf(provider)}`,
      )
    }
  }
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`'options' must be an object with 'origins', got ${kindOf(options)}`)
  }
  const known = ['origins', 'header', 'scheme', ...more]
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new TypeError(`unknown option '${name}'; known are '${known.join("', '")}'`)
    }
  }
  return {
    origins: createOriginPolicy(options.origins),
    headerName: checkHeaderName(options.header === undefined ? 'authorization' : options.header),
    headerValue: createCredentialHeader(options.scheme === undefined ? 'Bearer' : options.scheme),
  }
}
