import { readFileSync, rmSync } from 'node:fs'
import { mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

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
