import type { FailureClass } from './classify-answer.js'
import type { FailureLog } from './failure-log.js'
import type { HeldToken } from './held-token.js'
import type { Session, SessionEvent } from './session-types.js'
import type { VaultError } from './vault-error.js'
import type { VaultStatus } from './vault-types.js'

/** What the loop tells its owner. */
export interface LoopObserver {
  loggedIn(held: HeldToken, previous: HeldToken | undefined): void
  renewed(held: HeldToken): void
  failed(error: VaultError, failure: FailureClass, jwt: string | undefined): void
  recovered(row: { readonly failures: number; readonly sinceMs: number }): void
  expired(held: HeldToken): void
  /** A request has begun, or ended, or time has changed something. */
  settled(): void
}

/** Drives one session: does what its plan says, one request at a time, and tells it what came of it. */
export interface SessionLoop {
  readonly session: Session
  readonly held: HeldToken | undefined
  readonly activity: VaultStatus['activity']
  /** Whether the login under way still waits for its JWT: nothing was sent to Vault. */
  readonly isAskingForJwt: boolean
  readonly counts: { readonly logins: number; readonly renewals: number; readonly lookups: number }
  readonly failures: FailureLog
  /** When something is done next: monotonic milliseconds. */
  readonly nextAtMs: number
  /** Whether the token in use is in doubt until a look, or the login that it caused, has ended. */
  readonly isInDoubt: boolean
  isUsable(): boolean
  /** Does all that is due, and fulfils when nothing is; joins the work under way. */
  run(): Promise<void>
  /** The same, for a caller without a token: what needs no patience with Vault is due now. */
  runOnDemand(): Promise<void>
  /** The machine slept: what is overdue by the wall clock is due. */
  wake(): void
  tell(event: SessionEvent): void
  /** Has the token looked up, now or when the last look is old enough. */
  wantLook(): void
  stop(): Promise<void>
}
