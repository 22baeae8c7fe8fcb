import { createHash, KeyObject } from 'node:crypto'
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import type { JwtClaims, PublicJwks } from './jose-types.js'

/**
 * The algorithms that API servers sign service account tokens with, and EdDSA. The ML-DSA ones need a Node whose Web
 * Crypto knows them (24.7).
 */
export type SigningAlgorithm =
  | 'RS256'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'ML-DSA-44'
  | 'ML-DSA-65'
  | 'ML-DSA-87'

export const SIGNING_ALGORITHMS: readonly SigningAlgorithm[] = [
  'RS256',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
]

/** What {@link TokenSigner.verify} checks besides the signature. */
export interface SignatureExpectations {
  issuer: string | string[]
  /** Empty: not checked. */
  audience: string[]
  /** Unix time in milliseconds. */
  nowMs: number
  clockToleranceMs: number
}

/** A service account issuer's key. */
export interface TokenSigner {
  readonly algorithm: SigningAlgorithm
  readonly jwks: PublicJwks
  sign(claims: JwtClaims): Promise<string>
  /** @throws jose's errors, with their `code`. */
  verify(token: string, expected: SignatureExpectations): Promise<JwtClaims>
}

/** Makes a key pair of its own. @throws RangeError naming the option when this Node cannot. */
export async function createTokenSigner(algorithm: SigningAlgorithm): Promise<TokenSigner> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm).catch((cause) => {
    const message = `'algorithm' must be one that Node ${process.version} can make a key for; got '${algorithm}'`
    throw new RangeError(message, { cause })
  })
  // As the API server derives it: base64url(SHA-256(SubjectPublicKeyInfo)).
  const spki = KeyObject.from(publicKey).export({ type: 'spki', format: 'der' })
  const kid = createHash('sha256').update(spki).digest('base64url')
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' }] }
  const keys = createLocalJWKSet(jwks)
  return {
    algorithm,
    jwks,
    sign: (claims) => new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid }).sign(privateKey),
    async verify(token, { issuer, audience, nowMs, clockToleranceMs }) {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        ...(audience.length > 0 ? { audience } : {}),
        currentDate: new Date(nowMs),
        clockTolerance: clockToleranceMs / 1_000,
      })
      return payload
    },
  }
}
