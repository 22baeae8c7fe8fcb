/** What a credential of any header consists of: visible ASCII (RFC 9110, section 5.5), no white space, never empty. */
const TOKEN_TEXT = /^[\x21-\x7e]+$/

/** Whether this can be sent as a token. */
export function isTokenText(value: unknown): value is string {
  return typeof value === 'string' && TOKEN_TEXT.test(value)
}
