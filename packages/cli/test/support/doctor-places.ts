import { spawnSync } from 'node:child_process'
import { chmod, mkdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { temporaryDirectory } from './token-files.js'

export const works = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0
export const isRoot = process.getuid?.() === 0

/** A process in a user and mount namespace of its own: it may mount, and set its own limits. */
const IN_NAMESPACE = ['--user', '--map-root-user', '--mount', '--propagation', 'private']

/** Arguments of vitest's `skip`: whether, and the reason that it prints. */
type Skip = [condition: boolean, reason: string]

export const noNamespaces: Skip = [
  !works('unshare', ...IN_NAMESPACE, 'true'),
  'needs Linux user and mount namespaces (unshare)',
]
export const noOtherUser: Skip = [
  !isRoot || !works('setpriv', '--reuid', '65534', 'true'),
  'needs root, and setpriv, to run as another user',
]
export const notLinux: Skip = [process.platform !== 'linux', 'inotify and /proc are Linux only']

/** @param set shell commands that set up the namespace: mounts, limits. */
export function inNamespace(set: string, command: string[]): [command: string, args: string[]] {
  return ['unshare', [...IN_NAMESPACE, 'sh', '-ec', `${set}\nexec "$@"`, 'sh', ...command]]
}

/** @param groups of the process, besides its own, 65534 */
export function asNobody(command: string[], groups: string[] = []): [command: string, args: string[]] {
  const others = groups.length === 0 ? ['--clear-groups'] : ['--groups', groups.join(',')]
  return ['setpriv', ['--reuid', '65534', '--regid', '65534', ...others, ...command]]
}

export interface VolumeOptions {
  /** `path` of the source. @default 'token' */
  name?: string
  mode?: number
  /** When the kubelet wrote the file. @default now */
  writtenAtMs?: number
}

/** A volume as the kubelet's AtomicWriter lays it out. */
export interface Volume {
  readonly directory: string
  readonly path: string
  /** The directory of the version that `..data` leads to. */
  readonly version: string
}

export async function writeVolume(content: string, options: VolumeOptions = {}): Promise<Volume> {
  const { name = 'token', mode = 0o600, writtenAtMs } = options
  const directory = await temporaryDirectory()
  await chmod(directory, 0o755)
  const version = join(directory, '..2026_08_01_10_00_00.1234567890')
  const file = join(version, name)
  await mkdir(dirname(file), { recursive: true })
  // Whatever the umask is.
  for (let at = dirname(file); at !== directory; at = dirname(at)) await chmod(at, 0o755)
  await writeFile(file, content)
  await chmod(file, mode)
  if (writtenAtMs !== undefined) await utimes(file, writtenAtMs / 1_000, writtenAtMs / 1_000)
  await symlink('..2026_08_01_10_00_00.1234567890', join(directory, '..data'))
  const [top = name] = name.split('/')
  await symlink(join('..data', top), join(directory, top))
  return { directory, path: join(directory, name), version }
}

/**
 * A module that makes the inotify instance of the process dead before the program starts: its descriptor is exchanged
 * for the instance of another thread, so that watches can be set, and the program's event loop hears of none.
 */
export const DEAD_INOTIFY = `
import { closeSync, readdirSync, readlinkSync, watch } from 'node:fs'
import { Worker } from 'node:worker_threads'
const worker = new Worker(
  "const { parentPort } = require('node:worker_threads'); const fs = require('node:fs');" +
  "parentPort.on('message', (path) => { if (path !== 'hello') fs.watch(path); parentPort.postMessage('done') });" +
  "parentPort.postMessage('up')",
  { eval: true },
)
const message = () => new Promise((resolve) => worker.once('message', resolve))
await message()
watch(import.meta.dirname, { persistent: false })
// The event loop registers the descriptor once, in its next rounds, and hears nothing of what becomes of it.
worker.postMessage('hello')
await message()
for (const fd of readdirSync('/proc/self/fd')) {
  let target
  try { target = readlinkSync('/proc/self/fd/' + fd) } catch { continue }
  if (target === 'anon_inode:inotify') closeSync(Number(fd))
}
worker.postMessage(import.meta.dirname)
await message()
worker.unref()
`

/** The same, but for a descriptor that is no inotify instance any more: no watch is to be had. */
export const NO_INOTIFY = `
import { closeSync, openSync, readdirSync, readlinkSync, watch } from 'node:fs'
watch(import.meta.dirname, { persistent: false })
for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve))
for (const fd of readdirSync('/proc/self/fd')) {
  let target
  try { target = readlinkSync('/proc/self/fd/' + fd) } catch { continue }
  if (target !== 'anon_inode:inotify') continue
  closeSync(Number(fd))
  openSync('/dev/null', 'r')
}
`
