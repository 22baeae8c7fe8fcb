import { constants, readFileSync, rmSync, watch } from 'node:fs'
import { access, mkdtemp, open, readdir, readlink, realpath, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, isAbsolute, join, parse, resolve, sep } from 'node:path'

/** The version in this package's package.json. */
export function packageVersion(): string {
  // The same distance from src/ as from dist/.
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}

/** Names of what lies in a directory, sorted. @throws the operating system's error */
export async function listDirectory(path: string): Promise<string[]> {
  return (await readdir(path)).sort()
}

/** `O_NONBLOCK`: a pipe without a writer, or one that writes nothing, would hold the whole process. Absent on Windows. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/**
 * Reads a file, a pipe or `/dev/stdin`: at most `maxBytes`, else `undefined`.
 *
 * @param pause waits until a pipe that has nothing yet is asked again; what it throws ends the read
 * @throws the operating system's error
 */
export async function readBounded(
  path: string,
  maxBytes: number,
  pause?: () => Promise<void>,
): Promise<Buffer | undefined> {
  const file = await open(path, OPEN_FLAGS)
  try {
    const mayGetWriter = (await file.stat()).isFIFO() && !(await isNameless(file.fd))
    const buffer = Buffer.alloc(maxBytes + 1)
    let length = 0
    while (length < buffer.length) {
      const bytesRead = await file
        .read(buffer, length, buffer.length - length, null)
        .then((result) => result.bytesRead, ifNothingYet)
      // A named pipe that nobody has opened to write seems to be at its end.
      const isEmpty = bytesRead === undefined || (bytesRead === 0 && mayGetWriter && length === 0)
      if (isEmpty && pause !== undefined) await pause()
      else if (!bytesRead) return buffer.subarray(0, length)
      else length += bytesRead
    }
    return undefined
  } finally {
    await file.close()
  }
}

/** Whether it is a shell's pipe, which Linux calls `pipe:[123]`: one whose writers have gone gets no other. */
async function isNameless(fd: number): Promise<boolean> {
  const target = await readlink(`/proc/self/fd/${fd}`).catch(() => '')
  return target.startsWith('pipe:')
}

function ifNothingYet(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'EAGAIN') throw error
}

/** Who may do what with a file or a directory. */
export interface Inode {
  readonly kind: 'file' | 'directory' | 'other'
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
}

/** What a path leads to. @throws the operating system's error */
export async function inodeOf(path: string): Promise<Inode> {
  const stats = await stat(path)
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other'
  return { kind, mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid, sizeBytes: stats.size }
}

/** The path without its links. @throws the operating system's error */
export async function withoutLinks(path: string): Promise<string> {
  return realpath(path)
}

/** As many links as Linux follows (path_resolution(7)). */
const MAX_LINKS = 40

/** A name on the way to a path, in a directory without links, and where it leads if it is a link. */
export interface PathStep {
  readonly at: string
  readonly name: string
  readonly target: string | undefined
}

/** The way to a path as the system takes it, link by link, from the root on; also past what is not there. */
export async function* stepsTo(path: string): AsyncGenerator<PathStep> {
  const names = (text: string) => text.split(sep).filter((one) => one !== '' && one !== '.')
  const { root } = parse(resolve(path))
  let directory = root
  let ahead = names(resolve(path).slice(root.length))
  for (let links = 0; links <= MAX_LINKS; ) {
    const [name, ...rest] = ahead
    if (name === undefined) return
    const at = name === '..' ? dirname(directory) : join(directory, name)
    const target = await readlink(at).catch(() => undefined)
    yield { at, name, target }
    if (target === undefined) directory = at
    else if (isAbsolute(target)) directory = root
    if (target !== undefined) links++
    ahead = target === undefined ? rest : [...names(target), ...rest]
  }
}

/** Whether this process may look up names in a directory; also `true` where there is no directory. */
export async function maySearch(directory: string): Promise<boolean> {
  return access(directory, constants.X_OK).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'EACCES' && error.code !== 'EPERM',
  )
}

/** Makes an empty file and removes it again. @throws the operating system's error, also when there is one already */
export async function makeAndRemove(path: string): Promise<void> {
  await (await open(path, 'wx', 0o600)).close()
  await rm(path)
}

/**
 * Watches a directory, by the same means as the library.
 *
 * @param onEvent gets the name of what changed, where the system tells it
 * @returns a function that ends the watch
 * @throws the operating system's error when there is no watch to be had
 */
export function watchDirectory(
  directory: string,
  onEvent: (name: string | null) => void,
  onError: (error: unknown) => void,
): () => void {
  const watcher = watch(directory, (_type, name) => onEvent(name))
  watcher.on('error', onError)
  return () => watcher.close()
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
