/** A resource server's judgement of a token: signature, issuer, audience and times, by the kubelet's own keys. */

/**
 * How long after `exp` a token passes. A request is on its way for a moment, on a busy machine for more; the API server
 * itself takes tokens for a minute longer.
 */
const TOLERANCE_MS = 3_000
const LEGACY_ISSUER = 'kubernetes/serviceaccount'

/** @returns {Promise<{ id: string } | { reason: string }>} who it is, or why it is refused */
export async function judgeToken(kubelet, token) {
  if (token === undefined) return { reason: 'no token' }
  const legacy = isLegacy(token) ? { audience: [], issuer: LEGACY_ISSUER } : {}
  try {
    const { jti = 'legacy' } = await kubelet.verify(token, { clockToleranceMs: TOLERANCE_MS, ...legacy })
    return { id: jti }
  } catch (error) {
    return { reason: error.code ?? error.message }
  }
}

function isLegacy(token) {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString()).iss === LEGACY_ISSUER
  } catch {
    return false
  }
}
