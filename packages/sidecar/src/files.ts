import { constants, readFileSync } from 'node:fs'
import { chmod, chown, lchmod, lchown, lstat, open, unlink } from 'node:fs/promises'

/** The version in this package's package.json. */
export function packageVersion(): string {
  // The same distance from src/ as from dist/.
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}

/**
 * Reads a regular file of at most `maxBytes`. Anything else might never end: a FIFO without a writer is not waited for.
 *
 * @throws the operating system's error; a RangeError that says what it is instead
 */
export async function readSmallFile(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw new RangeError('is no regular file')
    const buffer = Buffer.alloc(Math.min(stats.size, maxBytes) + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, null)
      if (bytesRead === 0) return buffer.subarray(0, length)
      length += bytesRead
    }
    throw new RangeError(`is larger than ${maxBytes} bytes, or grows while it is read`)
  } finally {
    await file.close()
  }
}

/** What is at a path, itself and not what a link leads to. @throws the operating system's error but for ENOENT */
export async function kindOfFile(path: string): Promise<'none' | 'socket' | 'other'> {
  try {
    return (await lstat(path)).isSocket() ? 'socket' : 'other'
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none'
    throw error
  }
}

/** Removes the file. One that has gone already is no failure. */
export async function removeSocket(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

/** Linux' flag for a descriptor that stands for a path and opens nothing; Node has no name for it. */
const O_PATH = 0o10000000

/**
 * Sets group and mode of a socket file, in this order: a group must not get what is meant for another. Whoever may write
 * to the directory can put a link in its place meanwhile: what that leads to is left alone.
 *
 * @throws the operating system's error; a RangeError when there is no socket any more
 */
export async function setSocketAccess(path: string, mode: number, gid: number | undefined): Promise<void> {
  if (process.platform !== 'linux') {
    if (gid !== undefined) await lchown(path, (await lstat(path)).uid, gid)
    return lchmod(path, mode)
  }
  const file = await open(path, O_PATH | constants.O_NOFOLLOW)
  try {
    const stats = await file.stat()
    if (!stats.isSocket()) throw new RangeError('something else has taken the place of the socket')
    // The only name of the file that nobody can point elsewhere: as in glibc's fchmodat().
    const own = `/proc/self/fd/${file.fd}`
    if (gid !== undefined) await chown(own, stats.uid, gid)
    await chmod(own, mode)
  } finally {
    await file.close()
  }
}
