import { type Clock, createToken, type Token, tokenFingerprint } from '@projected-token/core'
import type { AuthBlock } from './auth-block.js'
import type { Lease } from './lease.js'
import { holdToken } from './login-flights.js'

/** The Vault token in use, with all that was made of it once. */
export interface HeldToken {
  readonly token: Token
  /** What `getToken()` gives. */
  readonly promise: Promise<Token>
  readonly auth: AuthBlock
  readonly lease: Lease
  /** Unix milliseconds. */
  readonly loggedInAtMs: number
  readonly renewedAtMs: number | undefined
  /** Ends this provider's use; says whether nobody else in this process has the same one. */
  release(): boolean
}

/** @param renewed the same secret, before. */
export function holdNewToken(auth: AuthBlock, lease: Lease, clock: Clock, renewed?: HeldToken): HeldToken {
  const nowMs = clock.now()
  const sentAgoMs = clock.monotonicNow() - lease.sentAtMs
  const isEndless = lease.expiresAtMs === Number.POSITIVE_INFINITY
  const token = createToken({
    token: auth.clientToken,
    expiresAtMs: isEndless ? undefined : Math.floor(nowMs - sentAgoMs + lease.ttlMs),
    loadedAtMs: renewed?.token.loadedAtMs ?? nowMs,
  })
  return {
    token,
    promise: Promise.resolve(token),
    // A renewal says less of who logged in than the login did, on some versions.
    auth: renewed === undefined ? auth : { ...renewed.auth, ...grantOf(auth) },
    lease,
    loggedInAtMs: renewed?.loggedInAtMs ?? nowMs,
    renewedAtMs: renewed === undefined ? undefined : nowMs,
    release: renewed?.release ?? holdToken(tokenFingerprint(auth.clientToken)),
  }
}

/**
 * Whether the token may be used, by both clocks: one stands still in suspend, the other one jumps when it is set.
 *
 * @param lease the session's; `undefined` when Vault said that the token is dead.
 */
export function isGood({ token }: HeldToken, lease: Lease | undefined, clock: Clock): boolean {
  if (lease === undefined || clock.monotonicNow() >= lease.expiresAtMs) return false
  return token.expiresAtMs === undefined || clock.now() < token.expiresAtMs
}

function grantOf({ leaseSeconds, renewable }: AuthBlock) {
  return { leaseSeconds, renewable }
}
