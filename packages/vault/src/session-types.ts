import type { FailureClass } from './classify-answer.js'
import type { Random } from './jitter.js'
import type { JwtIdentity } from './jwt-identity.js'
import type { Lease } from './lease.js'
import type { Plan } from './plan.js'

/** A JWT that Vault refused; it is not sent again. */
export interface RefusedJwt {
  readonly fingerprint: string
  readonly atMs: number
}

/**
 * All that decides what happens next: a value, which {@link advance} turns into the next one. No token, no JWT, no
 * I/O; times are monotonic milliseconds.
 */
export interface Session {
  readonly plan: Plan
  /** The last lease; whether it has ended is a matter of the time. `undefined` once the token is known to be dead. */
  readonly lease: Lease | undefined
  /** The TTL of the last lease, also when its token is dead; `undefined`: there was none. */
  readonly lastTtlMs: number | undefined
  /** Whose JWT the token in use came from. */
  readonly loggedInAs: JwtIdentity | undefined
  readonly loggedInAtMs: number
  /** Failed logins in a row. */
  readonly loginFailures: number
  readonly roleRefusals: number
  /** Failed renewals in a row. */
  readonly renewFailures: number
  readonly lastError: { readonly text: string; readonly count: number } | undefined
  /** When an exchange, a caller's too, last failed because Vault was away; forgotten by a login or renewal. */
  readonly awayAtMs: number
  /** Since when Vault has been away, as far as is known; `Infinity`: it is not. */
  readonly awaySinceMs: number
  /** What was made of a refusal of this token that came after its lease: see `afterLateRefusal`. */
  readonly lateRefusal: 'none' | 'noted' | 'used'
  /** The newest last. Forgotten by a login, and by a request for one by hand. */
  readonly refusedJwts: readonly RefusedJwt[]
  /** The JWT of the last attempt. */
  readonly lastJwt: string | undefined
  /** Tokens in a row that were dead within a minute of their login. */
  readonly youngDeaths: number
  /** The last login that a refused `lookup-self` caused, or will. */
  readonly doubtLoginAtMs: number
}

/** What can happen to a session. */
export type SessionEvent =
  | { readonly type: 'login-succeeded'; readonly lease: Lease; readonly jwt: JwtIdentity }
  | {
      readonly type: 'login-failed'
      readonly failure: FailureClass
      readonly retryAfterMs?: number | undefined
      /** The fingerprint of the JWT that was sent. */
      readonly jwt?: string | undefined
    }
  /** The provider still gives a JWT that was refused: nothing was sent. */
  | { readonly type: 'jwt-unchanged' }
  | { readonly type: 'renew-succeeded'; readonly lease: Lease }
  | {
      readonly type: 'renew-failed'
      readonly failure: FailureClass
      readonly retryAfterMs?: number | undefined
      /** Whether there was an answer, whoever gave it. */
      readonly isAnswered?: boolean
      /** The words of a 500. */
      readonly error?: string | undefined
      /** Whether Vault said that the token is dead. */
      readonly isDead?: boolean
    }
  /** The JWT is another pod's, service account's or audience's. */
  | { readonly type: 'identity-changed' }
  /** Vault says that the token is dead: in so many words, or by a refused `lookup-self`, which a policy may cause. */
  | { readonly type: 'token-dead'; readonly certain: boolean }
  /** A caller's request was not answered, or with a 503, because Vault is away. */
  | { readonly type: 'away-seen' }
  /** The machine slept: by the wall clock the plan is overdue. */
  | { readonly type: 'slept' }
  /** Somebody wants a login now. By hand: whoever asks may have corrected what a JWT was refused for. */
  | { readonly type: 'login-requested'; readonly byHand?: boolean }

/** The time, and chance, and what an operator has set. */
export interface Circumstances {
  readonly nowMs: number
  readonly random: Random
  readonly loginSpreadMs?: number | undefined
}
