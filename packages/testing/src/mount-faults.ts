import { checkChoice, checkNames, checkType } from './check-options.js'
import { checkMode } from './kubelet-options.js'
import type { Projection } from './projection.js'
import type { SerialQueue } from './serial-queue.js'
import type { Pause } from './write-faults.js'

/** What {@link MountFaults.obstruct} puts under the token's name. */
export type Obstruction = 'directory' | 'link-loop' | 'dangling-link'

/** Faults of the mount: what a path leads to. */
export interface MountFaults {
  /**
   * Copies the file to `targetPath`, where it never changes again: what a container sees of a `subPath` mount.
   * `close()` leaves the copy. Needs the file (`ERR_FAKE_KUBELET_NO_TOKEN`).
   */
  subPathCopy(targetPath: string): Promise<void>
  /**
   * Takes the token away: `directory: true` with the whole directory, else what is in it. Syncs leave it so;
   * `restore()` and `rotate()` end it. @default { directory: false }
   */
  remove(options?: { directory?: boolean | undefined }): Promise<void>
  /** Puts the current token back in place, by the kubelet's order: the end of every fault of content or mount. */
  restore(): Promise<void>
  /**
   * Unmounts the volume and mounts a new one: another directory (other device or inode numbers) under the same path,
   * with the same token. A watch on the old directory is dead. When `onUnmounted` throws, it is mounted all the same.
   */
  remount(options?: { onUnmounted?: Pause | undefined }): Promise<void>
  /** Puts something in the token's place that is no file. Ended by `restore()` or a rotation. */
  obstruct(kind: Obstruction): Promise<void>
  /**
   * Changes the file's permission bits, if there is one now, and of all that is written later, until it is taken back:
   * 0 to 0o777, or `undefined` for the kubelet's rule.
   */
  setMode(mode: number | undefined): Promise<void>
}

/** See {@link MountFaults}. `setWriterMode` keeps the mode for later writes. */
export function createMountFaults(
  projection: Projection,
  serially: SerialQueue,
  path: string,
  setWriterMode: (mode: number | undefined) => void,
): MountFaults {
  const { volume, writer } = projection

  return {
    subPathCopy(targetPath) {
      checkType('targetPath', targetPath, 'string')
      return serially(async () => {
        projection.needFile('subPathCopy()')
        await volume.copyOut(path, targetPath)
      })
    },
    remove(options = {}) {
      checkNames('remove()', options, ['directory'])
      const { directory = false } = options
      checkType('directory', directory, 'boolean')
      return serially(() =>
        projection.holdFault('nothing', async () => {
          if (directory) return (await volume.unmount())()
          // The visible link goes first: it never dangles.
          for (const name of (await volume.list('.')).sort().reverse()) await volume.remove(name)
        }),
      )
    },
    restore: () => serially(() => projection.rewrite()),
    remount(options = {}) {
      checkNames('remount()', options, ['onUnmounted'])
      const { onUnmounted = () => undefined } = options
      checkType('onUnmounted', onUnmounted, 'function')
      return serially(async () => {
        const discard = await volume.unmount()
        try {
          await onUnmounted()
        } finally {
          await projection.rewrite().finally(discard)
        }
      })
    },
    obstruct(kind) {
      checkChoice('kind', kind, ['directory', 'link-loop', 'dangling-link'])
      return serially(() =>
        projection.holdFault('obstruction', async () => {
          await volume.mount()
          await volume.makeParents(path)
          await volume.remove(path)
          if (kind === 'directory') return volume.makeDirectory(path, 0o755)
          const own = path.slice(path.lastIndexOf('/') + 1)
          return volume.symlink(kind === 'link-loop' ? own : `${own}.missing`, path)
        }),
      )
    },
    setMode(mode) {
      if (mode !== undefined) checkMode(mode)
      return serially(async () => {
        setWriterMode(mode)
        if (projection.hasFile()) await volume.chmod(path, writer.fileMode())
      })
    },
  }
}
