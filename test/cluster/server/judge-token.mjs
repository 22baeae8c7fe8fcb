/** Two judges of every token: the API server's keys, with no leeway, and the API server itself. */
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'

/**
 * @param audiences by route
 * @returns judge(token, route), which resolves to { byKeys, byReview, isStale, id }; a judgement is undefined or the
 *   reason why not
 */
export function createJudge({ client, keySet, issuer, audiences }) {
  const keys = createLocalJWKSet(keySet)

  async function byKeys(token, audience) {
    try {
      await jwtVerify(token, keys, { issuer, audience, clockTolerance: 0 })
      return undefined
    } catch (error) {
      return error.code ?? error.message
    }
  }

  async function byReview(token, audience) {
    const { status } = await client.must('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview' },
      spec: { token, audiences: [audience] },
    })
    return status.authenticated ? undefined : (status.error ?? 'not authenticated')
  }

  return async (token, route) => {
    const audience = audiences[route]
    const [keysSay, reviewSays] = await Promise.all([byKeys(token, audience), byReview(token, audience)])
    return { byKeys: keysSay, byReview: reviewSays, isStale: isStale(token), id: idOf(token) }
  }
}

/** Of a token whose `exp` lies a year ahead: the API server still takes it, and counts that as stale. */
function isStale(token) {
  const warnAfter = claimsOf(token)['kubernetes.io']?.warnafter
  return warnAfter !== undefined && warnAfter * 1000 <= Date.now()
}

const idOf = (token) => claimsOf(token).jti

function claimsOf(token) {
  try {
    return decodeJwt(token)
  } catch {
    return {}
  }
}
