import type { Token } from './token.js'

/** Options of {@link TokenProvider.getToken}, and of a watcher's `reload()`. */
export interface GetTokenOptions {
  /** Ends this caller's wait, with the signal's reason; other callers, and the read itself, go on. */
  signal?: AbortSignal | undefined
}

/**
 * Everything that yields a credential: a watched file, a Vault login, a fake in a test. Everything that sends one
 * takes it.
 */
export interface TokenProvider {
  /**
   * Gives a token that is valid now.
   *
   * @throws the provider's own error (with a `code`) when there is none; never gives an expired or empty token.
   */
  getToken(options?: GetTokenOptions): Promise<Token>
  /** The token that `getToken()` would give at once, or `undefined`; no I/O. It lets an adapter stay synchronous. */
  readonly current?: Token | undefined
  /**
   * Reports that a server refused exactly this token: the next `getToken()` first looks for another one (a storm of
   * reports causes one look), and may find the same. A late report about an older token changes nothing. A token watcher
   * looks at once, but for the same token at most once a second; a report in between causes a look by itself when the
   * second is over.
   */
  invalidate(rejected: Token): void
}
