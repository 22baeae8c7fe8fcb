import { randomUUID } from 'node:crypto'
import type { JwtClaims } from './jose-types.js'
import type { KubeletSettings } from './kubelet-options.js'
import type { TokenRequestStatus } from './rotation-rule.js'
import { boundClaims, legacyClaims, overrideClaims, type TokenIdentity } from './token-claims.js'
import type { TokenOptions } from './token-options.js'
import type { TokenSigner } from './token-signer.js'

/** A signed token and what is in it. */
export interface IssuedToken {
  /** The JWT. */
  readonly token: string
  /** What the token says; frozen. */
  readonly claims: Readonly<JwtClaims>
  /** `iat` as Unix time in milliseconds; `undefined` without one. */
  readonly issuedAtMs: number | undefined
  /** `exp` as Unix time in milliseconds; `undefined` without one. */
  readonly expiresAtMs: number | undefined
  /** What the rotation follows; see {@link rotationWindow}. `undefined`: never rotated (a Secret's token). */
  readonly status: TokenRequestStatus | undefined
}

/** The API server's part: answers TokenRequests. */
export interface TokenIssuer {
  /** `secondsAgo` backdates the token. */
  issue(options?: TokenOptions, secondsAgo?: number): Promise<IssuedToken>
  /** The token of a Secret: without expiry and audience. */
  issueLegacy(): Promise<IssuedToken>
}

/** `apiServerNow` is the API server's wall clock, Unix time in milliseconds. */
export function createTokenIssuer(
  settings: KubeletSettings,
  issuer: string,
  signer: TokenSigner,
  apiServerNow: () => number,
): TokenIssuer {
  const identity: TokenIdentity = {
    namespace: settings.namespace,
    serviceAccount: { name: settings.serviceAccount, uid: randomUUID() },
    pod: { name: settings.podName, uid: randomUUID() },
    node: { name: 'node-1', uid: randomUUID() },
  }
  const sign = async (claims: JwtClaims, status: TokenRequestStatus | undefined): Promise<IssuedToken> =>
    Object.freeze({
      token: await signer.sign(claims),
      claims: Object.freeze(claims),
      issuedAtMs: typeof claims.iat === 'number' ? claims.iat * 1_000 : undefined,
      expiresAtMs: typeof claims.exp === 'number' ? claims.exp * 1_000 : undefined,
      status,
    })

  return {
    issue(options = {}, secondsAgo = 0) {
      const expirationSeconds = options.expirationSeconds ?? settings.expirationSeconds
      const issuedAtSeconds = Math.floor(apiServerNow() / 1_000) - secondsAgo
      const claims = boundClaims({
        issuer: options.issuer ?? issuer,
        audience: [options.audience ?? settings.audience].flat(),
        identity,
        id: randomUUID(),
        issuedAtSeconds,
        expirationSeconds,
        extendedExpiration: options.extendedExpiration ?? settings.extendedExpiration,
      })
      const expirationTimestampMs = (issuedAtSeconds + expirationSeconds) * 1_000
      return sign(overrideClaims(claims, options.claims), { expirationTimestampMs, expirationSeconds })
    },
    issueLegacy: () => sign(legacyClaims(identity), undefined),
  }
}
