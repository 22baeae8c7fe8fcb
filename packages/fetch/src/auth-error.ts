/** Why a request was not sent, or its redirect not followed. Stable: programs may compare it. */
export type FetchAuthErrorCode =
  /** An undici request without `origin`, so that nobody can tell whether the token may go there. */
  | 'ERR_FETCH_ORIGIN_UNKNOWN'
  /** A redirect that something inside the token interceptor wanted to follow with the token. */
  | 'ERR_FETCH_REDIRECT_INSIDE'
  /** A redirect that cannot be followed; it is the `cause` of fetch's `TypeError`. */
  | 'ERR_FETCH_REDIRECT'
  /** The provider gave something that cannot be sent in a header. */
  | 'ERR_FETCH_INVALID_TOKEN'

/**
 * A refusal of this package. Its message never holds a token, a header value or a URL's credentials. Compare
 * {@link FetchAuthError.code}, which is the same across the ESM and the CJS copy of the package, not the class.
 */
export class FetchAuthError extends Error {
  /** The name of the class. */
  override readonly name = 'FetchAuthError'
  /** Which refusal it is. */
  readonly code: FetchAuthErrorCode

  constructor(code: FetchAuthErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
