import { execFile } from 'node:child_process'
import { watch } from 'node:fs'
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { FileOperation } from '@projected-token/testing'

/** The process' user is root: it may give files away, and reads everything. */
export const isRoot = process.getuid?.() === 0

/** One line for an operation, without what differs from run to run. */
export function describeOperation({ kind, path, to, mode }: FileOperation): string {
  const plain = (name: string) => name.replace(/\.\.\d{4}(_\d\d){5}\.\d+/, '..<time>')
  const bits = mode === undefined ? '' : ` 0${mode.toString(8)}`
  return `${kind} ${plain(path)}${to === undefined ? '' : ` -> ${plain(to)}`}${bits}`
}

/** An observer that keeps what it saw; `take()` gives it and forgets it. */
export function recordOperations() {
  const seen: string[] = []
  return {
    observe: (operation: FileOperation) => void seen.push(describeOperation(operation)),
    take: () => seen.splice(0),
  }
}

/** What is visible in a volume: names, link targets, permission bits. */
export async function listVolume(directory: string): Promise<Record<string, string>> {
  const entries: Record<string, string> = {}
  for (const name of (await readdir(directory)).sort()) {
    const stats = await lstat(join(directory, name))
    const shown = name.replace(/\.\.\d{4}(_\d\d){5}\.\d+/, '..<time>')
    entries[shown] = stats.isSymbolicLink()
      ? `-> ${(await readlink(join(directory, name))).replace(/\.\.\d{4}(_\d\d){5}\.\d+/, '..<time>')}`
      : `0${(stats.mode & 0o7777).toString(8)}`
  }
  return entries
}

/** Reads as another user, who is neither owner nor in the group; gives the content, or the error's text. */
export async function readAsNobody(path: string): Promise<string> {
  const cat = promisify(execFile)('cat', [path], { uid: 65_534, gid: 65_534 })
  return cat.then(({ stdout }) => stdout).catch((error: Error) => error.message)
}

/** Runs as a user whom modes keep out, which root is not. */
export async function asNobody<T>(run: () => Promise<T>): Promise<T> {
  if (!isRoot) return run()
  process.seteuid?.(65_534)
  return run().finally(() => process.seteuid?.(0))
}

/** The content, or the code of the error. */
export const read = (path: string) =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => error.code ?? '')

/** Watches a directory; `until(name)` gives the names seen so far once there has been an event for one that matches. */
export function watchDirectory(directory: string) {
  const names: string[] = []
  let wake = () => {}
  const watcher = watch(directory, (_event, name) => {
    names.push(name ?? '')
    wake()
  })
  return {
    async until(enough: (names: string[]) => boolean): Promise<string[]> {
      while (!enough(names)) await new Promise<void>((resolve) => (wake = resolve))
      return names.splice(0)
    },
    close: () => watcher.close(),
  }
}
