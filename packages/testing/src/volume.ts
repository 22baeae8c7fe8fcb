import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'

/** A change that was made to the volume. */
export interface FileOperation {
  /** What was done; `remove`: a file, a link, or a directory with all that is in it. */
  kind: 'mkdir' | 'write' | 'truncate' | 'chmod' | 'chown' | 'utimes' | 'symlink' | 'rename' | 'remove'
  /** What it was done to, relative to the volume's directory; `.` is the directory. */
  path: string
  /** A symbolic link's target, or the new name after a rename. */
  to?: string
  /** Permission bits of a chmod or a mkdir. */
  mode?: number
}

/** One thing in the volume. */
export interface VolumeEntry {
  name: string
  /** Permission bits. */
  mode: number
  type: 'directory' | 'link' | 'file'
}

/** Sees each operation after it is done and before the next one begins, which waits for a promise. */
export type FileOperationObserver = (operation: FileOperation) => unknown

/** The directory that is mounted into the pod: the one place of this package that touches files. */
export type Volume = ReturnType<typeof createVolume>

/** Makes a directory in the system's temporary one that every user can traverse. */
export async function createTemporaryDirectory(): Promise<string> {
  const directory = await fs.mkdtemp(join(tmpdir(), 'fake-kubelet-'))
  await fs.chmod(directory, 0o755)
  return directory
}

/** Removes what {@link createTemporaryDirectory} made. */
export const removeDirectory = (directory: string) => fs.rm(directory, { recursive: true, force: true })

/** `undefined` where something does not exist, or is not what was asked for. */
const orUndefined = async <T>(result: Promise<T>, ...codes: string[]): Promise<T | undefined> => {
  try {
    return await result
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** Opens a volume on `path`; names below are relative to it. Nothing is created yet. */
export function createVolume(path: string, observe: FileOperationObserver = () => undefined) {
  const directory = resolve(path)
  const at = (name: string) => join(directory, name)
  /** Opens a file whatever its mode, as root may. */
  const openAsRoot = async (name: string, flags: string): Promise<fs.FileHandle> => {
    try {
      return await fs.open(at(name), flags)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
      const mode = (await fs.stat(at(name))).mode & 0o7777
      await fs.chmod(at(name), mode | 0o600)
      return await fs.open(at(name), flags).finally(() => fs.chmod(at(name), mode))
    }
  }
  const did = async (operation: FileOperation) => void (await observe(operation))

  return {
    directory,
    at,

    /** Whether the file has this content. A kubelet is root: what its owner may not read here is what it wrote. */
    async holds(name: string, data: Uint8Array): Promise<boolean> {
      try {
        return (await fs.readFile(at(name))).equals(data)
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException
        if (['ENOENT', 'EISDIR', 'ENOTDIR', 'ELOOP'].includes(code)) return false
        if (code === 'EACCES') return true
        throw error
      }
    },
    readLink: (name: string) => orUndefined(fs.readlink(at(name)), 'ENOENT', 'EINVAL', 'ENOTDIR'),
    async list(name: string) {
      return (await orUndefined(fs.readdir(at(name)), 'ENOENT')) ?? []
    },

    /** Makes the volume's directory, with what is above it, unless it exists. */
    async mount() {
      const created = await fs.mkdir(directory, { recursive: true, mode: 0o755 })
      if (created === undefined) return
      await fs.chmod(directory, 0o755)
      await did({ kind: 'mkdir', path: '.', mode: 0o755 })
    },
    async makeDirectory(name: string, mode: number) {
      await fs.mkdir(at(name), { mode })
      await did({ kind: 'mkdir', path: name, mode })
    },
    /** Makes the directories that `name` is in, below an existing one. */
    async makeParents(name: string) {
      await fs.mkdir(dirname(at(name)), { recursive: true })
    },
    async writeFile(name: string, data: Uint8Array, mode: number) {
      await fs.writeFile(at(name), data, { mode })
      await did({ kind: 'write', path: name })
    },
    /** Truncates the file and writes `chunks` into it, without another inode; `pause` after each but the last. */
    async rewriteInPlace(name: string, chunks: Uint8Array[], pause: (written: number) => unknown) {
      const file = await openAsRoot(name, 'r+')
      try {
        await file.truncate(0)
        await did({ kind: 'truncate', path: name })
        let written = 0
        for (const chunk of chunks) {
          await pause(written)
          await file.write(chunk, 0, chunk.length, written)
          written += chunk.length
          await did({ kind: 'write', path: name })
        }
      } finally {
        await file.close()
      }
    },
    async chmod(name: string, mode: number) {
      await fs.chmod(at(name), mode)
      await did({ kind: 'chmod', path: name, mode })
    },
    /** Follows no link. `undefined` leaves an owner as it is. */
    async chown(name: string, uid: number | undefined, gid: number | undefined) {
      await fs.lchown(at(name), uid ?? -1, gid ?? -1)
      await did({ kind: 'chown', path: name })
    },
    async touch(name: string, unixMs: number) {
      await fs.utimes(at(name), unixMs / 1_000, unixMs / 1_000)
      await did({ kind: 'utimes', path: name })
    },
    async symlink(target: string, name: string) {
      await fs.symlink(target, at(name))
      await did({ kind: 'symlink', path: name, to: target })
    },
    async rename(from: string, to: string) {
      await fs.rename(at(from), at(to))
      await did({ kind: 'rename', path: from, to })
    },
    /** Removes a file, a link or a whole directory; nothing happens when there is none. */
    async remove(name: string) {
      await fs.rm(at(name), { recursive: true, force: true })
      await did({ kind: 'remove', path: name })
    },
    /**
     * Moves the directory out of its place, as an unmount does for who looks at the path. Gives a function that
     * removes it for good: as long as it exists, another directory gets another inode number.
     */
    async unmount(): Promise<() => Promise<void>> {
      if (!(await orUndefined(fs.stat(directory), 'ENOENT'))) return async () => {}
      const aside = join(dirname(directory), `.${basename(directory)}.unmounted`)
      await fs.rename(directory, aside)
      await did({ kind: 'remove', path: '.' })
      return () => removeDirectory(aside)
    },
    /** Everything in the volume, parents first, without following links; nothing when there is no volume. */
    async walk(): Promise<VolumeEntry[]> {
      const visit = async (name: string): Promise<VolumeEntry[]> => {
        const stats = await orUndefined(fs.lstat(at(name)), 'ENOENT')
        if (!stats) return []
        const mode = stats.mode & 0o7777
        if (!stats.isDirectory()) return [{ name, mode, type: stats.isSymbolicLink() ? 'link' : 'file' }]
        const entries: VolumeEntry[] = [{ name, mode, type: 'directory' }]
        for (const child of await fs.readdir(at(name))) entries.push(...(await visit(join(name, child))))
        return entries
      }
      return visit('.')
    },
    /** Copies the file, with its mode, to an absolute path outside. */
    async copyOut(name: string, target: string) {
      const file = await openAsRoot(name, 'r')
      try {
        await fs.writeFile(target, await file.readFile())
        await fs.chmod(target, (await file.stat()).mode & 0o7777)
      } finally {
        await file.close()
      }
    },
  }
}
