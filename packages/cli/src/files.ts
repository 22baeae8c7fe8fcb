import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync, type Stats } from 'node:fs'
import { lstat, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** The version in this package's package.json. */
export function packageVersion(): string {
  // The same distance from src/ as from dist/.
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}

/** Names of what lies in a directory, sorted. @throws the operating system's error */
export async function listDirectory(path: string): Promise<string[]> {
  return (await readdir(path)).sort()
}

/** Reads a file, a pipe or `/dev/stdin`: at most `maxBytes`, else `undefined`. @throws the operating system's error */
export async function readBounded(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.alloc(maxBytes + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, null)
      if (bytesRead === 0) return buffer.subarray(0, length)
      length += bytesRead
    }
    return undefined
  } finally {
    await file.close()
  }
}

/** A directory of one's own, which goes with the process at the latest, but for a SIGKILL. */
export interface TemporaryDirectory {
  readonly path: string
  remove(): Promise<void>
}

export async function makeTemporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'projected-token-demo-'))
  const removeNow = () => rmSync(path, { recursive: true, force: true })
  process.once('exit', removeNow)
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true })
      process.removeListener('exit', removeNow)
    },
  }
}

/** Who may read a file that {@link replaceFile} writes. */
export interface FileAccess {
  readonly mode: number
  /** Default: the process' own. */
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

/**
 * Puts content in the place of a file, so that nobody ever reads half of it, or reads it before its owner and mode are
 * what they should be: a new file that only this user may open, in the same directory, renamed when it is complete.
 * A file that is so already stays untouched.
 *
 * @returns whether it was written
 * @throws the operating system's error; a `TypeError` when the path is not that of a file. A symbolic link is none: in
 *   a directory that others may write to, who follows one as root writes wherever they like.
 */
export async function replaceFile(path: string, content: string, access: FileAccess): Promise<boolean> {
  const before = await lstat(path).catch(ifMissing)
  if (before?.isSymbolicLink())
    throw new TypeError('is a symbolic link, which is not followed; name its target')
  if (before && !before.isFile()) throw new TypeError('is no regular file')
  if (before && isAsWanted(before, access) && (await holds(path, content))) return false
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(content)
      if (access.uid !== undefined || access.gid !== undefined) {
        const own = await file.stat()
        await file.chown(access.uid ?? own.uid, access.gid ?? own.gid)
      }
      await file.chmod(access.mode)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    return true
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Removes what a killed process left of {@link replaceFile}: it holds a secret. Best effort. */
export async function removeLeftovers(path: string): Promise<void> {
  const name = basename(path)
  const isLeftover = (one: string) =>
    one.startsWith(`.${name}.`) && /^[0-9a-f]{12}\.tmp$/.test(one.slice(name.length + 2))
  const names = await readdir(dirname(path)).catch(() => [])
  for (const one of names.filter(isLeftover)) await removeFile(join(dirname(path), one)).catch(() => {})
}

/** Removes a file, if there is one. @throws the operating system's error */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true })
}

/**
 * Whether this process is in the foreground of a terminal, whose Ctrl-C then reaches all processes of the group;
 * `undefined` where the system does not say (it is Linux' proc file system that does).
 */
export function isInForeground(): boolean | undefined {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8')
    // proc_pid_stat(5): after the name, which may hold anything: state, ppid, pgrp, session, tty_nr, tpgid.
    const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return terminal !== '0' && group === foreground
  } catch {
    return undefined
  }
}

function isAsWanted(stats: Stats, { mode, uid, gid }: FileAccess): boolean {
  const isOwner = (uid === undefined || stats.uid === uid) && (gid === undefined || stats.gid === gid)
  return (stats.mode & 0o7777) === mode && isOwner
}

async function holds(path: string, content: string): Promise<boolean> {
  const bytes = Buffer.from(content)
  const found = await readBounded(path, bytes.length).catch(() => undefined)
  return found?.equals(bytes) === true
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
