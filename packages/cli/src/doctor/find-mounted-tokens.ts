import { basename, dirname, join } from 'node:path'
import { DEFAULT_TOKEN_PATH, parseToken, readTokenFile } from '@projected-token/core'
import { inodeOf, listDirectory, withoutLinks } from '../files.js'
import { isPinned, type Mount } from './mountinfo.js'

/** A token that lies in a mount of its own. */
export interface MountedToken {
  readonly path: string
  readonly audience: readonly string[]
}

/** What the mounts of a container hold. */
export interface MountedFiles {
  readonly tokens: readonly MountedToken[]
  /** May be tokens: this process may not read them. */
  readonly closed: readonly string[]
}

const MAX_MOUNTS = 500
const MAX_FILES_OF_VOLUME = 100
/** `path: a/b/token` in a projected volume's source. */
const MAX_DEPTH = 4
const MAX_TOKEN_BYTES = 65_536
/** File systems of the kernel: no token, and much to read. */
const NOT_FILES = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2', 'devpts', 'mqueue', 'debugfs', 'tracefs'])
/**
 * Served by somebody else: no kubelet writes a token there, and one whose server is gone holds whoever looks, beyond
 * any time limit and any signal but SIGKILL.
 */
const SERVED = /^(?:nfs|cifs|smb|ceph|gluster|lustre|afs|autofs|fuse)/

/** Looks for service account tokens in kubelet volumes (by their `..data` link) and in files mounted by themselves. */
export async function findMountedTokens(mounts: readonly Mount[]): Promise<MountedFiles> {
  const found = new Map<string, MountedToken>()
  const closed = new Set<string>()
  const asNamed = await defaultName()
  for (const mount of mounts.filter(mayHoldTokens).slice(0, MAX_MOUNTS)) {
    for (const candidate of await candidatesIn(mount)) {
      const path = asNamed(candidate)
      if (found.has(path)) continue
      const audience = await audienceOf(path)
      if (audience === 'closed') closed.add(path)
      else if (audience) found.set(path, { path, audience })
    }
  }
  const tokens = [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  return { tokens, closed: [...closed].sort() }
}

/** The kernel names mounts without links, and /var/run is one in many images: the default path is named as it is known. */
async function defaultName(): Promise<(path: string) => string> {
  const directory = await withoutLinks(dirname(DEFAULT_TOKEN_PATH)).catch(() => undefined)
  const real = directory && join(directory, basename(DEFAULT_TOKEN_PATH))
  return (path) => (path === real ? DEFAULT_TOKEN_PATH : path)
}

function mayHoldTokens({ fsType }: Mount): boolean {
  return !NOT_FILES.has(fsType) && !SERVED.test(fsType)
}

async function candidatesIn(mount: Mount): Promise<string[]> {
  const { mountPoint } = mount
  const inode = await inodeOf(mountPoint).catch(() => undefined)
  if (inode?.kind === 'file') return inode.sizeBytes <= MAX_TOKEN_BYTES ? [mountPoint] : []
  if (inode?.kind !== 'directory') return []
  const names = await listDirectory(mountPoint).catch((): string[] => [])
  // A directory with `subPath` has no `..data` link: it lies behind it.
  return names.includes('..data') || isPinned(mount, '') ? filesBelow(mountPoint, MAX_DEPTH) : []
}

async function filesBelow(directory: string, depth: number): Promise<string[]> {
  const files: string[] = []
  for (const name of await listDirectory(directory).catch(() => [])) {
    if (name.startsWith('..') || files.length >= MAX_FILES_OF_VOLUME) continue
    const path = join(directory, name)
    const inode = await inodeOf(path).catch(() => undefined)
    if (inode?.kind === 'file') files.push(path)
    else if (inode?.kind === 'directory' && depth > 1) files.push(...(await filesBelow(path, depth - 1)))
  }
  return files.slice(0, MAX_FILES_OF_VOLUME)
}

/** `undefined` for what is no service account's token. */
async function audienceOf(path: string): Promise<readonly string[] | 'closed' | undefined> {
  try {
    const { kind, subject, audience } = parseToken((await readTokenFile(path, MAX_TOKEN_BYTES)).content)
    return kind !== 'opaque' && subject?.startsWith('system:serviceaccount:') ? audience : undefined
  } catch (error) {
    const { cause } = error as Error & { cause?: NodeJS.ErrnoException }
    return cause?.code === 'EACCES' ? 'closed' : undefined
  }
}
