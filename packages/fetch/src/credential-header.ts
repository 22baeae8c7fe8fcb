import type { Token } from '@projected-token/core'
import { FetchAuthError } from './auth-error.js'
import { HTTP_TOKEN } from './header-name.js'
import { kindOf } from './kind-of.js'

/** Gives the header's value for a token: the very same string for as long as the token stays the same. */
export type CredentialHeader = (token: Token) => string

/**
 * Remembers the last value, so that a valid token costs no new string (a few thousand characters for a JWT).
 *
 * @throws TypeError when `scheme` is neither empty nor an authentication scheme (RFC 9110, section 11.1).
 */
export function createCredentialHeader(scheme: unknown): CredentialHeader {
  if (typeof scheme !== 'string' || (scheme !== '' && !HTTP_TOKEN.test(scheme))) {
    const got = typeof scheme === 'string' ? 'a string with other characters' : kindOf(scheme)
    throw new TypeError(
      `'scheme' must be an authentication scheme (an RFC 9110 token) such as 'Bearer', or '', got ${got}`,
    )
  }
  let lastToken: string | undefined
  let lastValue = ''
  return ({ token }) => {
    if (token !== lastToken) {
      lastValue = scheme === '' ? checkToken(token) : `${scheme} ${checkToken(token)}`
      lastToken = token
    }
    return lastValue
  }
}

/** Checked here because fetch's own error about an invalid header value quotes the value. */
function checkToken(token: unknown): string {
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw new FetchAuthError(
      'ERR_FETCH_INVALID_TOKEN',
      'The token provider gave a token that is not a non-empty string of visible ASCII; nothing was sent',
    )
  }
  return token
}
