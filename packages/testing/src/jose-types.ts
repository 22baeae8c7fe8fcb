/*
 * Own declarations of two types that `jose` has, too, and takes: jose is ESM only, and a declaration file that imports
 * it cannot be used from CommonJS under the module mode `node16`.
 */

/** The claims of a JWT (RFC 7519, section 4.1), times in seconds. */
export interface JwtClaims {
  iss?: string
  sub?: string
  aud?: string | string[]
  jti?: string
  nbf?: number
  exp?: number
  iat?: number
  [claim: string]: unknown
}

/** A public key (RFC 7517, section 4). */
export interface PublicJwk {
  kty?: string
  kid?: string
  use?: string
  alg?: string
  /** RSA. */
  n?: string
  e?: string
  /** Elliptic curves. */
  crv?: string
  x?: string
  y?: string
  /** ML-DSA. */
  pub?: string
}

/** A JSON Web Key Set (RFC 7517, section 5), as `createLocalJWKSet` of jose takes it. */
export interface PublicJwks {
  keys: PublicJwk[]
}
