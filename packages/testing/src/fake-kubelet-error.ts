/** Why the stand-in did not do what it was asked to. */
export type FakeKubeletErrorCode =
  /** A TokenRequest failed because of `setOutage(true)`. */
  | 'ERR_FAKE_KUBELET_OUTAGE'
  /** There is no token file in the volume, because of `remove()` or `obstruct()`: `restore()` first. */
  | 'ERR_FAKE_KUBELET_NO_TOKEN'
  /** It was called after `close()`. */
  | 'ERR_FAKE_KUBELET_CLOSED'

/** A failure that a test asked for, or a use after the end. Compare {@link FakeKubeletError.code}, not the class. */
export class FakeKubeletError extends Error {
  /** The name of the class. */
  override readonly name = 'FakeKubeletError'
  /** Which failure it is. */
  readonly code: FakeKubeletErrorCode

  constructor(message: string, code: FakeKubeletErrorCode) {
    super(message)
    this.code = code
  }
}
