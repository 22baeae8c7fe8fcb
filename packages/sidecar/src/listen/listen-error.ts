/** A listener that cannot start. */
export class ListenError extends Error {
  /** The name of the class. */
  override readonly name = 'ListenError'
  /** The same for all of them. */
  readonly code = 'ERR_LISTEN'

  constructor(listener: string, address: string, reason: string, cause?: unknown) {
    super(`${listener} cannot listen on ${address}: ${reason}`, cause === undefined ? undefined : { cause })
  }
}
