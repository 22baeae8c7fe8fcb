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
  /** Volumes that hold more files than were looked at. */
  readonly cut: readonly string[]
}

/** Of one volume, files and directories. A ConfigMap of 1 MiB may have more; a volume with a token has a handful. */
const MAX_NAMES_OF_VOLUME = 1_000
const MAX_TOKEN_BYTES = 65_536
/** File systems of the kernel: no token, and much to read. */
const NOT_FILES = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2', 'devpts', 'mqueue', 'debugfs', 'tracefs'])
/**
 * Served by somebody else: no kubelet writes a token there, and one whose server is gone holds whoever looks, beyond
 * any time limit and any signal but SIGKILL.
 */
const SERVED = /^(?:nfs|cifs|smb|ceph|gluster|lustre|afs|autofs|fuse)/
/** A ConfigMap lies in a directory of the node's disk. Secrets and projected volumes have a tmpfs each, and look alike. */
const CONFIG_MAP = /\/volumes\/kubernetes\.io~configmap\//

/** Looks for service account tokens in kubelet volumes (by their `..data` link) and in files mounted by themselves. */
export async function findMountedTokens(mounts: readonly Mount[]): Promise<MountedFiles> {
  const found = new Map<string, MountedToken>()
  const closed = new Set<string>()
  const cut: string[] = []
  const asNamed = await defaultName()
  for (const mount of mounts.filter(mayHoldTokens)) {
    const { files, isCut } = await candidatesIn(mount)
    if (isCut) cut.push(mount.mountPoint)
    for (const candidate of files) {
      const path = asNamed(candidate)
      if (found.has(path)) continue
      const audience = await audienceOf(path)
      if (audience === 'closed') closed.add(path)
      else if (audience) found.set(path, { path, audience })
    }
  }
  const tokens = [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  return { tokens, closed: [...closed].sort(), cut: cut.sort() }
}

/** The kernel names mounts without links, and /var/run is one in many images: the default path is named as it is known. */
async function defaultName(): Promise<(path: string) => string> {
  const directory = await withoutLinks(dirname(DEFAULT_TOKEN_PATH)).catch(() => undefined)
  const real = directory && join(directory, basename(DEFAULT_TOKEN_PATH))
  return (path) => (path === real ? DEFAULT_TOKEN_PATH : path)
}

function mayHoldTokens({ fsType, root }: Mount): boolean {
  return !NOT_FILES.has(fsType) && !SERVED.test(fsType) && !CONFIG_MAP.test(root)
}

interface Candidates {
  readonly files: readonly string[]
  readonly isCut: boolean
}

async function candidatesIn(mount: Mount): Promise<Candidates> {
  const { mountPoint } = mount
  const only = (files: readonly string[]): Candidates => ({ files, isCut: false })
  const inode = await inodeOf(mountPoint).catch(() => undefined)
  if (inode?.kind === 'file') return only(inode.sizeBytes <= MAX_TOKEN_BYTES ? [mountPoint] : [])
  if (inode?.kind !== 'directory') return only([])
  const names = await listDirectory(mountPoint).catch((): string[] => [])
  // A directory with `subPath` has no `..data` link: it lies behind it.
  return names.includes('..data') || isPinned(mount, '') ? filesBelow(mountPoint) : only([])
}

/** Level by level, so that what is cut is what lies deepest; the number of names bounds the depth as well. */
async function filesBelow(top: string): Promise<Candidates> {
  const files: string[] = []
  const directories = [top]
  let left = MAX_NAMES_OF_VOLUME
  for (const directory of directories) {
    for (const name of await listDirectory(directory).catch(() => [])) {
      if (name.startsWith('..')) continue
      if (left-- === 0) return { files, isCut: true }
      const path = join(directory, name)
      const inode = await inodeOf(path).catch(() => undefined)
      if (inode?.kind === 'file') files.push(path)
      else if (inode?.kind === 'directory') directories.push(path)
    }
  }
  return { files, isCut: false }
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
