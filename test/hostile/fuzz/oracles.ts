import { inspect } from 'node:util'
import { CANARY } from './arbitraries.js'
import { field, type RawRequest } from './raw-server.js'
import { ensure } from './target.js'

/** Codes of core, all of them. */
export const TOKEN_CODES = new Set(
  [
    'NOT_FOUND',
    'UNREADABLE',
    'NOT_A_FILE',
    'EMPTY',
    'MALFORMED',
    'TOO_LARGE',
    'EXPIRED',
    'AUDIENCE',
    'ISSUER',
    'SUBJECT',
    'OLDER',
  ].map((name) => `ERR_TOKEN_${name}`),
)
const VISIBLE = /^[\x21-\x7e]+$/
/** Longer than what two texts have in common by chance. */
const PIECE = 20

/** Text for people: of bounded length, without a piece of the canary. */
export function ensureDiscreet(value: unknown, what: string, maxLength = 4_000): void {
  const text =
    typeof value === 'string' ? value : inspect(value, { depth: 8, showHidden: true, breakLength: Infinity })
  ensure(text.length <= maxLength, `${what} is at most ${maxLength} characters long; it is ${text.length}`)
  for (let at = 0; at + PIECE <= CANARY.length; at++) {
    ensure(!text.includes(CANARY.slice(at, at + PIECE)), `${what} shows no piece of a signature: ${text}`)
  }
}

/** What the header of a request may be, by an own reading of what lay in the file. */
export function ensureSendable(
  request: RawRequest,
  contents: readonly Uint8Array[],
  audience: string | undefined,
): void {
  const values = field(request, 'authorization')
  ensure(values.length === 1, `one authorization is sent; got ${values.length}`)
  const [value = ''] = values
  ensure(value.startsWith('Bearer '), `the scheme is Bearer: ${value}`)
  const token = value.slice('Bearer '.length)
  ensure(VISIBLE.test(token), `only visible ASCII is sent: ${JSON.stringify(token)}`)
  const isWhole = contents.some((content) => wholeText(content) === token)
  ensure(isWhole, `what is sent is all that lay in the file: ${token.slice(0, 200)}`)
  const claims = claimsOf(token)
  if (claims === undefined) {
    ensure(audience === undefined, 'what names no audience is not sent where one is asked for')
    return
  }
  // Twice the truth is no contradiction: a token may expire between its sending and this look at it.
  const expiry = claims.exp
  ensure(
    expiry === undefined || (typeof expiry === 'number' && expiry * 1_000 > Date.now() - 600_000),
    'no expired token is sent',
  )
  if (audience !== undefined)
    ensure([claims.aud].flat().includes(audience), 'no token for another audience is sent')
}

const wholeText = (content: Uint8Array) =>
  Buffer.from(content)
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '')
    .replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')

/** The claims of what begins as a JWT does; `undefined` for what is opaque. */
function claimsOf(token: string): Record<string, unknown> | undefined {
  const [header, claims] = token.split('.').map(decoded)
  if (header === undefined && !token.startsWith('eyJ')) return undefined
  return claims
}

function decoded(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
