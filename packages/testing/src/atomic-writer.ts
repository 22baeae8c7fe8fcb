import { randomInt } from 'node:crypto'
import type { Volume } from './volume.js'

const DATA = '..data'
const NEW_DATA = '..data_tmp'

/**
 * The order in which a kubelet writes.
 *
 * - `current`: permissions first, then the swap of `..data`, then the visible link (if it is missing).
 * - `v1.20`: as release 1.20 and older: visible link first, permissions last and at every sync.
 * - `windows`: `..data` is removed and made again, so that it is missing for a moment.
 */
export type WriterOrder = 'current' | 'v1.20' | 'windows'

/** What {@link createAtomicWriter} takes. */
export interface AtomicWriterSettings {
  fileName: string
  order: WriterOrder
  /** Overrides the kubelet's rule; called at each write. */
  mode: () => number | undefined
  /** The pod's `runAsUser`. */
  uid: number | undefined
  /** The pod's `fsGroup`. */
  gid: number | undefined
  now: () => number
}

/** How one write differs. */
export interface WriteOptions {
  /** Writes even when the content is on disk already. */
  force?: boolean
  /** Publishes with this mode first and sets the right permissions only after `whileDenied`. */
  denied?: { mode: number; whileDenied: () => unknown }
}

/** Projects one file into a volume, by Kubernetes' `pkg/volume/util/atomic_writer.go`. */
export interface AtomicWriter {
  /** Gives whether it wrote: an equal content is left alone. */
  write(data: Uint8Array, options?: WriteOptions): Promise<boolean>
  /** `SetVolumeOwnership`: group and permissions of everything in the volume; nothing without an `fsGroup`. */
  changePermissions(): Promise<void>
  /** The permission bits of a file that is published in full. */
  fileMode(): number
}

/** See {@link AtomicWriter}. */
export function createAtomicWriter(volume: Volume, settings: AtomicWriterSettings): AtomicWriter {
  const { fileName, order, uid, gid, now } = settings
  const [visibleName = fileName] = fileName.split('/')
  // `collectData` of `pkg/volume/projected/projected.go`: with either owner set, 0600 whatever the default mode.
  const writeMode = () => settings.mode() ?? (uid !== undefined || gid !== undefined ? 0o600 : 0o644)

  async function write(data: Uint8Array, { force = false, denied }: WriteOptions = {}): Promise<boolean> {
    const oldDirectory = await volume.readLink(DATA)
    const stale = oldDirectory ? (await volume.list(oldDirectory)).filter((name) => name !== visibleName) : []
    if (oldDirectory && !force && stale.length === 0) {
      if (await volume.holds(`${oldDirectory}/${fileName}`, data)) {
        if (order === 'v1.20') await changePermissions()
        else await linkVisibleName()
        return false
      }
    }

    const newDirectory = await makeTimestampDirectory()
    const newFile = `${newDirectory}/${fileName}`
    try {
      if (fileName !== visibleName) await volume.makeParents(newFile)
      await volume.writeFile(newFile, data, denied?.mode ?? writeMode())
      await volume.chmod(newFile, denied?.mode ?? writeMode())
      if (uid !== undefined && !denied) await volume.chown(newFile, uid, undefined)

      if (order === 'v1.20') await linkVisibleName()
      else if (!denied) await changePermissions()
      await volume.symlink(newDirectory, NEW_DATA)
      await swap(newDirectory)
    } catch (error) {
      if ((await volume.readLink(DATA)) !== newDirectory) await volume.remove(newDirectory)
      await volume.remove(NEW_DATA)
      throw error
    }
    if (order !== 'v1.20') await linkVisibleName()
    for (const name of stale) await volume.remove(name)
    if (oldDirectory) await volume.remove(oldDirectory)

    if (denied) {
      await denied.whileDenied()
      if (uid !== undefined) await volume.chown(newFile, uid, undefined)
      await volume.chmod(newFile, writeMode())
    }
    if (denied || order === 'v1.20') await changePermissions()
    return true
  }

  async function swap(newDirectory: string): Promise<void> {
    if (order !== 'windows') return volume.rename(NEW_DATA, DATA)
    await volume.remove(DATA)
    await volume.symlink(newDirectory, DATA)
    await volume.remove(NEW_DATA)
  }

  /** The kubelet makes the link only when there is nothing; here it also replaces what a fault put in its place. */
  async function linkVisibleName(): Promise<void> {
    const target = `${DATA}/${visibleName}`
    if ((await volume.readLink(visibleName)) === target) return
    if (!(await volume.list('.')).includes(visibleName)) return volume.symlink(target, visibleName)
    await volume.remove(visibleName)
    await volume.symlink(target, visibleName)
  }

  async function changePermissions(): Promise<void> {
    if (gid === undefined) return
    for (const { name, mode, type } of await volume.walk()) {
      await volume.chown(name, undefined, gid)
      // `changeFilePermission` of `pkg/volume/volume_linux.go` for a read-only volume: readable for the group.
      if (type === 'directory') await volume.chmod(name, mode | 0o2550)
      else if (type === 'file' && settings.mode() === undefined) await volume.chmod(name, mode | 0o440)
    }
  }

  async function makeTimestampDirectory(): Promise<string> {
    // Go's MkdirTemp appends a decimal uint32.
    const name = `..${timestamp(now())}.${randomInt(2 ** 32)}`
    await volume.makeDirectory(name, 0o700)
    await volume.chmod(name, 0o755)
    return name
  }

  const fileMode = () => settings.mode() ?? (gid !== undefined ? 0o640 : writeMode())

  return { write, changePermissions, fileMode }
}

/** `2006_01_02_15_04_05`, in UTC. */
const timestamp = (unixMs: number) => new Date(unixMs).toISOString().slice(0, 19).replace(/[-:T]/g, '_')
