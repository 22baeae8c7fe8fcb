/*
 * Own declarations of two types that `jose` has, too, and takes: jose is ESM only, and a declaration file that imports
 * it cannot be used from CommonJS under the module mode `node16`.
 */

/** The claims of a JWT (RFC 7519, section 4.1); times are Unix seconds. */
export interface JwtClaims {
  /** The issuer. */
  iss?: string
  /** The subject: whom the token speaks for. */
  sub?: string
  /** The audience: whom the token is for. */
  aud?: string | string[]
  /** The token's own identifier. */
  jti?: string
  /** Not valid before. */
  nbf?: number
  /** Expires at. */
  exp?: number
  /** Issued at. */
  iat?: number
  [claim: string]: unknown
}

/** A public key (RFC 7517, section 4). */
export interface PublicJwk {
  /** The type of the key: `RSA`, `EC`, `OKP` or `AKP`. */
  kty?: string
  /** Its identifier, which the header of a token names. */
  kid?: string
  /** What it is for: `sig`. */
  use?: string
  /** The algorithm of its signatures: `RS256`, say. */
  alg?: string
  /** RSA: the modulus. */
  n?: string
  /** RSA: the exponent. */
  e?: string
  /** Elliptic curves: the name of the curve. */
  crv?: string
  /** Elliptic curves: a coordinate, or the whole key. */
  x?: string
  /** Elliptic curves: the other coordinate. */
  y?: string
  /** ML-DSA: the key. */
  pub?: string
}

/** A JSON Web Key Set (RFC 7517, section 5), as `createLocalJWKSet` of jose takes it. */
export interface PublicJwks {
  /** The keys; tokens name theirs by its `kid`. */
  keys: PublicJwk[]
}
