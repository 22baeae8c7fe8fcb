/** What a session does next, and when (monotonic milliseconds; `Infinity`: when something else happens). */
export interface Plan {
  /**
   * - `login`, `renew`;
   * - `rest`: nothing is due; the next caller without a token causes a login;
   * - `stop`: nothing helps but another configuration.
   */
  readonly action: 'login' | 'renew' | 'rest' | 'stop'
  readonly atMs: number
  /** Whether a JWT that was not sent yet makes the login due at once. */
  readonly onNewJwt?: boolean
  /** Whether the login was put off only because Vault did not answer: then an answer makes it due at once. */
  readonly onAnswer?: boolean
  /** Over how long the login was spread, where it is one of a row of retries; milliseconds. */
  readonly spreadMs?: number
}

export const REST: Plan = { action: 'rest', atMs: Number.POSITIVE_INFINITY }
export const STOP: Plan = { action: 'stop', atMs: Number.POSITIVE_INFINITY }
