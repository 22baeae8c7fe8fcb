import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { lstat, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { FileAccess } from './file-access.js'
import { isALink, isNoFile, toSinkError } from './sink-error.js'

/**
 * Puts content in the place of a file, so that nobody ever reads half of it, or reads it before its owner and mode are
 * what they should be: a new file that only this user may open, in the same directory, renamed when it is complete
 * and on the disk. A file that is so already stays untouched.
 *
 * @returns whether it was written
 * @throws {@link SinkError}; the file is then as it was before. A symbolic link is refused: in a directory that others
 *   may write to, who follows one as root writes wherever they like.
 */
export async function replaceFile(path: string, content: string, access: FileAccess): Promise<boolean> {
  try {
    const before = await lstat(path).catch(ifMissing)
    if (before?.isSymbolicLink()) throw isALink(path)
    if (before && !before.isFile()) throw isNoFile(path)
    if (before && isAsWanted(before, access) && (await holds(path, before, content))) return false
    await writeAnew(path, content, access).catch((error) => {
      if (!isSwept(error)) throw error
      return writeAnew(path, content, access)
    })
    return true
  } catch (error) {
    // Ours have no system call to name.
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : toSinkError(error, path)
  }
}

async function writeAnew(path: string, content: string, { mode, uid, gid }: FileAccess): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  // Exclusive: whatever somebody has put there, it is not opened.
  const file = await open(temporary, 'wx', 0o600)
  try {
    try {
      await file.writeFile(content)
      if (uid !== undefined || gid !== undefined) {
        const own = await file.stat()
        await file.chown(uid ?? own.uid, gid ?? own.gid)
      }
      await file.chmod(mode)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}) // the first error says more
    throw error
  }
}

/**
 * Whether the new file was gone when it was complete: another process that begins to write to the same path took it for
 * a leftover. (Without a directory it could not have been created.)
 */
function isSwept({ code, syscall }: NodeJS.ErrnoException): boolean {
  return code === 'ENOENT' && syscall === 'rename'
}

/**
 * Removes what a killed process left of {@link replaceFile}: it holds a secret. Nothing tells it from what another process
 * writes at this moment, which then writes once more. Best effort.
 */
export async function removeLeftovers(path: string): Promise<void> {
  const name = basename(path)
  const isLeftover = (one: string) =>
    one.startsWith(`.${name}.`) && /^[0-9a-f]{12}\.tmp$/.test(one.slice(name.length + 2))
  const names = await readdir(dirname(path)).catch(() => [])
  for (const one of names.filter(isLeftover)) await removeFile(join(dirname(path), one)).catch(() => {})
}

/** Removes a file, if there is one. @throws {@link SinkError} */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true }).catch((error) => {
    throw toSinkError(error, path)
  })
}

function isAsWanted(stats: Stats, { mode, uid, gid }: FileAccess): boolean {
  const isOwner = (uid === undefined || stats.uid === uid) && (gid === undefined || stats.gid === gid)
  return (stats.mode & 0o7777) === mode && isOwner
}

/** What is there may be another thing by now: no link is followed, and no writer of a pipe waited for. */
async function holds(path: string, stats: Stats, content: string): Promise<boolean> {
  const bytes = Buffer.from(content)
  // By its size first: a large file is not read.
  if (stats.size !== bytes.length) return false
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(path, flags).catch(() => undefined)
  if (!file) return false
  try {
    const { ino, dev } = await file.stat()
    if (ino !== stats.ino || dev !== stats.dev) return false
    const { bytesRead, buffer } = await file.read(Buffer.alloc(bytes.length), 0, bytes.length, 0)
    return bytesRead === bytes.length && buffer.equals(bytes)
  } catch {
    return false
  } finally {
    await file.close()
  }
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
