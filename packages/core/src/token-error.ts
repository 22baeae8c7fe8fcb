import { quotePath } from './format.js'
/** Why there is no (new) token. Stable: programs may compare it. */
export type TokenErrorCode =
  /** The file, or its directory, does not exist. */
  | 'ERR_TOKEN_NOT_FOUND'
  /** The operating system refused or failed to read it; its error is the `cause`. */
  | 'ERR_TOKEN_UNREADABLE'
  /** The path leads to a directory, FIFO, socket or device. */
  | 'ERR_TOKEN_NOT_A_FILE'
  /** The file is empty or holds white space only. */
  | 'ERR_TOKEN_EMPTY'
  /** The content is not one token: binary, several lines, a JWT cut short, claims that cannot be. */
  | 'ERR_TOKEN_MALFORMED'
  /** The file is larger than `maxTokenBytes`. */
  | 'ERR_TOKEN_TOO_LARGE'
  /** The token on disk has expired. */
  | 'ERR_TOKEN_EXPIRED'
  /** The token on disk is not for the expected audience. */
  | 'ERR_TOKEN_AUDIENCE'
  /** The token on disk is from another issuer. */
  | 'ERR_TOKEN_ISSUER'
  /** The token on disk is of another subject. */
  | 'ERR_TOKEN_SUBJECT'
  /** The token on disk was issued before the one in use, which is still valid. */
  | 'ERR_TOKEN_OLDER'
  /** The watcher was closed. */
  | 'ERR_WATCHER_CLOSED'

/** What {@link TokenError} adds to a message. */
export interface TokenErrorOptions {
  /** Which failure it is. */
  code: TokenErrorCode
  /** The token file. @default none */
  path?: string | undefined
  /** The error that led to it, of the operating system say. @default none */
  cause?: unknown
}

/**
 * A failure of this package. Its message names the path, what was found and the remedy, never content of the file.
 * Compare {@link TokenError.code}, which is the same across the ESM and the CJS copy of the package, not the class.
 */
export class TokenError extends Error {
  /** The name of the class. */
  override readonly name = 'TokenError'
  /** Which failure it is. */
  readonly code: TokenErrorCode
  /** The token file. */
  readonly path: string | undefined

  constructor(message: string, options: TokenErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code
    this.path = options.path
  }
}

/** What callers of a closed watcher get. */
export function watcherClosed(path: string): TokenError {
  return new TokenError(`The watcher of ${quotePath(path)} was closed`, { code: 'ERR_WATCHER_CLOSED', path })
}

/** What a read that hangs comes to. */
export function readTimedOut(path: string, afterMs: number): TokenError {
  return new TokenError(
    `Token file ${quotePath(path)} could not be read within ${afterMs / 1000} s. Is it on a network file system that does not answer?`,
    { code: 'ERR_TOKEN_UNREADABLE', path },
  )
}
