import { kindOf } from './kind-of.js'

/** RFC 9110, section 5.6.2: what a field name and an authentication scheme consist of. */
export const HTTP_TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

const HOP_BY_HOP = 'it belongs to one connection, not to the request (RFC 9110, section 7.6.1)'
const FRAMING = 'it frames the message: a wrong value lets requests be smuggled'

/** Names that would break the request or send the token to somebody else. */
const REFUSED: Readonly<Record<string, string>> = {
  connection: HOP_BY_HOP,
  'keep-alive': HOP_BY_HOP,
  'proxy-connection': HOP_BY_HOP,
  te: HOP_BY_HOP,
  trailer: HOP_BY_HOP,
  upgrade: HOP_BY_HOP,
  'transfer-encoding': FRAMING,
  'content-length': FRAMING,
  'content-type': 'it describes the body',
  expect: 'it controls how the body is sent',
  host: 'it names the server',
  cookie: 'a cookie has a name, and cookie jars keep it',
  'set-cookie': 'it is a response header',
  'proxy-authorization': 'it is for the proxy, which would receive the token',
}

/**
 * Reads the `header` option; lower case.
 *
 * @throws TypeError when it is not a header name, or one that must not carry a token.
 */
export function checkHeaderName(header: unknown): string {
  if (typeof header !== 'string' || !HTTP_TOKEN.test(header)) {
    const got =
      typeof header === 'string' && header !== '' ? 'a string with other characters' : kindOf(header)
    throw new TypeError(`'header' must be a header name (an RFC 9110 token), got ${got}`)
  }
  const name = header.toLowerCase()
  if (Object.hasOwn(REFUSED, name)) {
    throw new TypeError(`'header' must not be '${name}': ${REFUSED[name]}`)
  }
  return name
}
