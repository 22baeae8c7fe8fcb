import type { ContentFaults } from './content-faults.js'
import type { JwtClaims, PublicJwks } from './jose-types.js'
import type { MountFaults } from './mount-faults.js'
import type { SyncOutcome } from './pod-sync.js'
import type { TokenOptions } from './token-options.js'
import type { IssuedToken } from './token-request.js'
import type { WriteFaults } from './write-faults.js'

/** Options of {@link FakeKubelet.verify}. */
export interface VerifyOptions {
  /** One of them must be in `aud`; an empty list: not checked. @default the kubelet's */
  audience?: string | string[] | undefined
  /** @default the kubelet's */
  issuer?: string | string[] | undefined
  /** How long after `exp`, and before `nbf`, a token passes, in milliseconds, 0 to 86,400,000. @default 0 */
  clockToleranceMs?: number | undefined
}

/**
 * A volume with a service account token, written and rotated as the kubelet does, and the issuer of the token.
 *
 * Everything that touches the volume runs one after the other. Methods throw a TypeError or RangeError for bad
 * arguments, and reject with a `FakeKubeletError` after `close()` (`ERR_FAKE_KUBELET_CLOSED`) and, where they ask
 * for a new token, during an outage (`ERR_FAKE_KUBELET_OUTAGE`). A Secret's token is not asked for.
 */
export interface FakeKubelet extends ContentFaults, WriteFaults, MountFaults {
  /** The token's absolute path: what an application is given. */
  readonly path: string
  /** The volume's directory. */
  readonly directory: string
  /** `iss` of the tokens. */
  readonly issuer: string
  /** The issuer's public keys. */
  readonly jwks: PublicJwks
  /** Where `/.well-known/openid-configuration` is; `undefined` with `serve: false`. */
  readonly url: string | undefined
  /** Where the keys are; `undefined` with `serve: false`. */
  readonly jwksUrl: string | undefined
  /** The good token that was published last: what a correct client has. */
  readonly current: IssuedToken
  /** How many tokens have replaced another one. */
  readonly rotations: number
  /** When the current token was published: Unix time in milliseconds of the kubelet's clock. */
  readonly writtenAtMs: number
  /** How many TokenRequests an outage has failed. */
  readonly failedTokenRequests: number
  /** Why the last sync that was not asked for failed (a full disk, say); `undefined` when it did not. */
  readonly lastSyncError: unknown
  /** Publishes a new token now, due or not. */
  rotate(options?: TokenOptions): Promise<IssuedToken>
  /** Looks at the pod now: rotates by the kubelet's rule, and rewrites a file that somebody else has changed. */
  sync(): Promise<SyncOutcome>
  /** Signs a token without writing it. */
  issueToken(options?: TokenOptions): Promise<IssuedToken>
  /**
   * Checks signature, issuer, audience and times (by the API server's clock), and gives the claims.
   * @throws jose's errors, with a `code` such as `ERR_JWT_EXPIRED`
   */
  verify(token: string, options?: VerifyOptions): Promise<JwtClaims>
  /** Whether TokenRequests fail from now on, until it is taken back. The file stays as it is, even past its token's expiry. */
  setOutage(outage: boolean): void
  /** How far the API server's clock is ahead of the node's, in milliseconds: for tokens issued later. */
  setClockSkew(ms: number): void
  /** Ends timers and the server, and removes the temporary directory. Can be called again. */
  close(): Promise<void>
  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>
}
