import { decodeJwt, decodeProtectedHeader, importPKCS8, SignJWT } from 'jose'

/**
 * Gives the token of an answered TokenRequest another end, signed with the cluster's own key: the API server accepts
 * it as one of its own. Of a token whose `exp` the API server extended, the end is `warnafter`, and `exp` stays.
 */
export async function shortenTokenRequest(request, lifeSeconds, signingKeyPem) {
  const claims = decodeJwt(request.status.token)
  const header = decodeProtectedHeader(request.status.token)
  const endSeconds = claims.iat + lifeSeconds
  const isExtended = claims['kubernetes.io'].warnafter !== undefined
  const shortened = isExtended
    ? { ...claims, 'kubernetes.io': { ...claims['kubernetes.io'], warnafter: endSeconds } }
    : { ...claims, exp: endSeconds }
  const key = await importPKCS8(signingKeyPem, header.alg)
  const token = await new SignJWT(shortened).setProtectedHeader(header).sign(key)
  const expirationTimestamp = new Date(endSeconds * 1000).toISOString().replace('.000Z', 'Z')
  return {
    ...request,
    spec: { ...request.spec, expirationSeconds: lifeSeconds },
    status: { ...request.status, token, expirationTimestamp },
  }
}
