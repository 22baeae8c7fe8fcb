/** A listener that cannot start. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly code = 'ERR_LISTEN'

  constructor(listener: string, address: string, reason: string, cause?: unknown) {
    super(`${listener} cannot listen on ${address}: ${reason}`, cause === undefined ? undefined : { cause })
  }
}
