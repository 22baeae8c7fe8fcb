import type { AtomicWriter } from './atomic-writer.js'
import { FakeKubeletError } from './fake-kubelet-error.js'
import type { TokenOptions } from './token-options.js'
import type { IssuedToken, TokenIssuer } from './token-request.js'
import type { Volume } from './volume.js'

/** What lies in the volume: the current token, what a fault wrote into its file, something that is no file, nothing. */
type Content = 'current' | 'fault' | 'obstruction' | 'nothing'

/** The token's way into the volume, and what is known of it: shared by the kubelet and its faults. */
export interface Projection {
  readonly volume: Volume
  readonly writer: AtomicWriter
  readonly issuer: TokenIssuer
  readonly current: IssuedToken
  /** The current token's predecessor. */
  readonly previous: IssuedToken | undefined
  readonly content: Content
  /** Whether the token's name leads to a file. */
  hasFile(): boolean
  /** @throws FakeKubeletError when it does not */
  needFile(method: string): void
  /** Publications after the first one. */
  readonly rotations: number
  readonly writtenAtMs: number
  /** TokenRequests that failed. */
  readonly failedTokenRequests: number
  outage: boolean
  now(): number
  /** Asks for a new token. @throws FakeKubeletError during an outage */
  request(options?: TokenOptions): Promise<IssuedToken>
  /** Makes `issued` the current token once `write` has brought it into the volume. */
  publish(issued: IssuedToken, write?: (data: Buffer) => Promise<unknown>): Promise<IssuedToken>
  /** Lays down something else, which a sync leaves alone; the next publication ends it. */
  holdFault(content: Exclude<Content, 'current'>, change: () => Promise<unknown>): Promise<void>
  /** Writes the current token again, as another file. */
  rewrite(): Promise<void>
}

/** Publishes the first token. */
export async function createProjection(
  volume: Volume,
  writer: AtomicWriter,
  issuer: TokenIssuer,
  now: () => number,
): Promise<Projection> {
  let current = await issuer.issue()
  let previous: IssuedToken | undefined
  let content: Content = 'current'
  let rotations = 0
  let failedTokenRequests = 0
  let outage = false

  async function writeAtomically(data: Uint8Array): Promise<void> {
    await volume.mount()
    await writer.write(data, { force: true })
  }
  const hasFile = () => content === 'current' || content === 'fault'
  await writeAtomically(Buffer.from(current.token))
  let writtenAtMs = now()

  return {
    volume,
    writer,
    issuer,
    now,
    get outage() {
      return outage
    },
    set outage(value) {
      outage = value
    },
    get current() {
      return current
    },
    get previous() {
      return previous
    },
    get content() {
      return content
    },
    get rotations() {
      return rotations
    },
    get writtenAtMs() {
      return writtenAtMs
    },
    get failedTokenRequests() {
      return failedTokenRequests
    },
    hasFile,
    needFile(method) {
      if (hasFile()) return
      throw new FakeKubeletError(
        `${method} needs a token file, and remove() or obstruct() has taken it away: call restore() first`,
        'ERR_FAKE_KUBELET_NO_TOKEN',
      )
    },
    async request(options) {
      if (!outage) return issuer.issue(options)
      failedTokenRequests++
      throw new FakeKubeletError('The TokenRequest failed: setOutage(true)', 'ERR_FAKE_KUBELET_OUTAGE')
    },
    async publish(issued, write = writeAtomically) {
      await write(Buffer.from(issued.token))
      previous = current
      current = issued
      content = 'current'
      rotations++
      writtenAtMs = now()
      return issued
    },
    async holdFault(kind, change) {
      content = kind
      await change()
    },
    async rewrite() {
      await writeAtomically(Buffer.from(current.token))
      content = 'current'
    },
  }
}
