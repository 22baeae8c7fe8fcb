import { checkNames, checkNumber, checkType } from './check-options.js'
import type { Projection } from './projection.js'
import type { SerialQueue } from './serial-queue.js'
import type { IssuedToken } from './token-request.js'

/** A moment that a test can look at: what happens next waits for the promise. It must not wait for the kubelet. */
export type Pause = () => unknown

/** Options of {@link WriteFaults.truncateAndWrite}. */
export interface TruncateAndWriteOptions {
  /** Into how many parts the token is cut, 2 to 100. @default 2 */
  chunks?: number | undefined
  /** The file is empty. @default no pause */
  onTruncated?: Pause | undefined
  /** The file holds a part; called between every two parts. @default no pause */
  onPartial?: ((writtenBytes: number) => unknown) | undefined
}

/** Options of {@link WriteFaults.eaccesWindow}. */
export interface EaccesWindowOptions {
  /** The new token is in place and cannot be read yet. @default no pause */
  onDenied?: Pause | undefined
  /**
   * Permission bits meanwhile, 0 to 0o777. Root reads every file whatever its mode: look from another user's process.
   * @default 0o600 (owner root) when the process is root, as release 1.20; else 0, as the process is the owner
   */
  mode?: number | undefined
}

/** Faults of how a file is written. Those that bring a new token are rotations: it is `current` afterwards. */
export interface WriteFaults {
  /**
   * A new token is written into the same file: truncated first, then in parts. Needs that file
   * (`ERR_FAKE_KUBELET_NO_TOKEN`).
   */
  truncateAndWrite(options?: TruncateAndWriteOptions): Promise<IssuedToken>
  /** Release 1.20 with an `fsGroup`: a new token is published before its group and mode are set. */
  eaccesWindow(options?: EaccesWindowOptions): Promise<IssuedToken>
  /** `n` rotations (1 to 1,000) without a pause, a few milliseconds for all; gives the tokens in order. */
  burst(n: number): Promise<IssuedToken[]>
  /** A new token as a plain file, renamed over the old one: how agents and scripts other than a kubelet write. */
  replaceByRename(): Promise<IssuedToken>
  /** The same token in a new file: what a kubelet does when somebody changed the old one. No rotation. */
  rewriteSame(): Promise<void>
  /** `n` times (1 to 1,000) new modes and times on everything that has them, with the same content. No rotation. */
  attributeStorm(n: number): Promise<void>
}

/** See {@link WriteFaults}. `path` is the token's path in the volume. */
export function createWriteFaults(projection: Projection, serially: SerialQueue, path: string): WriteFaults {
  const { volume, writer } = projection
  const rotate = (write: (data: Buffer) => Promise<unknown>) =>
    serially(async () => projection.publish(await projection.request(), write))

  return {
    truncateAndWrite(options = {}) {
      checkNames('truncateAndWrite()', options, ['chunks', 'onTruncated', 'onPartial'])
      const { chunks = 2, onTruncated, onPartial } = options
      checkNumber('chunks', chunks, { min: 2, max: 100, integer: true })
      if (onTruncated !== undefined) checkType('onTruncated', onTruncated, 'function')
      if (onPartial !== undefined) checkType('onPartial', onPartial, 'function')
      return rotate((data) => {
        projection.needFile('truncateAndWrite()')
        // Each bound by itself, not by one rounded size: the last parts would be empty.
        const bound = (i: number) => Math.ceil((i * data.length) / chunks)
        const parts = Array.from({ length: chunks }, (_, i) => data.subarray(bound(i), bound(i + 1)))
        return volume.rewriteInPlace(path, parts, (written) =>
          written === 0 ? onTruncated?.() : onPartial?.(written),
        )
      })
    },
    eaccesWindow(options = {}) {
      checkNames('eaccesWindow()', options, ['onDenied', 'mode'])
      const { onDenied = () => undefined, mode = process.getuid?.() === 0 ? 0o600 : 0 } = options
      checkType('onDenied', onDenied, 'function')
      checkNumber('mode', mode, { min: 0, max: 0o777, integer: true })
      return rotate(async (data) => {
        await volume.mount()
        await writer.write(data, { force: true, denied: { mode, whileDenied: onDenied } })
      })
    },
    burst(n) {
      checkNumber('n', n, { min: 1, max: 1_000, integer: true })
      return serially(async () => {
        // Signed beforehand: a signature takes longer than a swap.
        const tokens = await Promise.all(Array.from({ length: n }, () => projection.request()))
        for (const issued of tokens) await projection.publish(issued)
        return tokens
      })
    },
    replaceByRename: () =>
      rotate(async (data) => {
        const temporary = `${path}.new`
        await volume.mount()
        await volume.makeParents(path)
        // A file cannot be renamed over a directory.
        if (!projection.hasFile()) await volume.remove(path)
        await volume.writeFile(temporary, data, 0o644)
        await volume.rename(temporary, path)
      }),
    rewriteSame: () => serially(() => projection.rewrite()),
    attributeStorm(n) {
      checkNumber('n', n, { min: 1, max: 1_000, integer: true })
      return serially(async () => {
        const entries = (await volume.walk()).filter((entry) => entry.type !== 'link')
        for (let round = 1; round <= n; round++) {
          for (const { name, mode } of entries) {
            await volume.chmod(name, mode)
            await volume.touch(name, projection.now() + round)
          }
        }
      })
    },
  }
}
