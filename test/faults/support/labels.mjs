/** What one request came to, in the words of the table. Pure. */

/**
 * @param {object} result of clients/client.mjs
 * @param {string} oldId of the token from before the fault
 * @param {Set<string>} forbidden ids of tokens that no correct client sends
 */
export function labelOf({ kind, id, code, status, elsewhere }, oldId, forbidden) {
  switch (kind) {
    case 'accepted':
      if (forbidden.has(id)) return 'a token that it must not serve'
      return id === oldId ? 'old' : 'new'
    case 'error':
      return code
    case 'answer':
      return typeof status === 'number' ? `HTTP ${status}` : status
    case 'network':
      return 'network error'
    case 'elsewhere':
      return `elsewhere, ${elsewhere}`
    default:
      return kind
  }
}

/** Who a server will take a token for. */
export function idOf(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString()).jti ?? 'legacy'
}
