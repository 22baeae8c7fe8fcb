import { dirname, resolve } from 'node:path'
import { type Inode, inodeOf, maySearch, readBounded, stepsTo, withoutLinks } from '../files.js'
import { isPinned, isRemoved, type Mount, mountOf, parseMountinfo } from './mountinfo.js'

/** Whom this process runs as; `undefined` on Windows. */
export interface UserFacts {
  readonly uid: number
  readonly groups: readonly number[]
}

/** How a token got into this container. */
export interface MountFacts {
  readonly mountPoint: string
  readonly fsType: string
  readonly isReadOnly: boolean
  /** It shows one version of the volume for ever. */
  readonly isPinned: boolean
  /** That version is gone from the volume. */
  readonly isRemoved: boolean
}

/** Who may read a file, and which directory on the way keeps this process out. */
export interface AccessFacts {
  readonly user: UserFacts | undefined
  readonly inode: Inode | undefined
  readonly closed: { readonly directory: string; readonly inode: Inode | undefined } | undefined
}

/** Limits of inotify; `undefined` where the system does not tell them. */
export interface InotifyLimits {
  readonly maxUserWatches: number | undefined
  readonly maxUserInstances: number | undefined
  readonly maxQueuedEvents: number | undefined
  /** Of this user namespace. */
  readonly namespaceWatches: number | undefined
  readonly namespaceInstances: number | undefined
}

const MAX_MOUNTINFO_BYTES = 4_194_304
const MAX_NUMBER_BYTES = 64

export function currentUser(): UserFacts | undefined {
  if (!process.getuid || !process.getgid) return undefined
  const groups = new Set([process.getgid(), ...(process.getgroups?.() ?? [])])
  return { uid: process.getuid(), groups: [...groups].sort((a, b) => a - b) }
}

/** The mounts of this container; none where there is no /proc. */
export async function readMounts(): Promise<Mount[]> {
  const content = await readBounded('/proc/self/mountinfo', MAX_MOUNTINFO_BYTES).catch(() => undefined)
  return content ? parseMountinfo(content.toString('utf8')) : []
}

export async function mountFacts(path: string, mounts: readonly Mount[]): Promise<MountFacts | undefined> {
  const real = await withoutLinks(path).catch(() => resolve(path))
  const mount = mountOf(real, mounts)
  if (!mount) return undefined
  const { mountPoint, fsType, isReadOnly } = mount
  return { mountPoint, fsType, isReadOnly, isPinned: isPinned(mount, real), isRemoved: isRemoved(mount) }
}

/** Whether a path into a volume follows it: through the link that the kubelet exchanges, not past it into one version. */
export async function followsVolume(path: string): Promise<boolean> {
  for await (const { name, target } of stepsTo(path)) {
    if (name === '..data' && target !== undefined) return true
  }
  return false
}

export async function accessFacts(path: string): Promise<AccessFacts> {
  const inode = await inodeOf(path).catch(() => undefined)
  return { user: currentUser(), inode, closed: inode ? undefined : await findClosedDirectory(path) }
}

/** On the way to the file, behind links too: the first directory in which this process may not look up a name. */
async function findClosedDirectory(path: string): Promise<AccessFacts['closed']> {
  for await (const { at } of stepsTo(path)) {
    const directory = dirname(at)
    if (await maySearch(directory)) continue
    return { directory, inode: await inodeOf(directory).catch(() => undefined) }
  }
  return undefined
}

export async function inotifyLimits(): Promise<InotifyLimits> {
  const [maxUserWatches, maxUserInstances, maxQueuedEvents, namespaceWatches, namespaceInstances] =
    await Promise.all(
      [
        'fs/inotify/max_user_watches',
        'fs/inotify/max_user_instances',
        'fs/inotify/max_queued_events',
        'user/max_inotify_watches',
        'user/max_inotify_instances',
      ].map(readNumber),
    )
  return { maxUserWatches, maxUserInstances, maxQueuedEvents, namespaceWatches, namespaceInstances }
}

async function readNumber(name: string): Promise<number | undefined> {
  const content = await readBounded(`/proc/sys/${name}`, MAX_NUMBER_BYTES).catch(() => undefined)
  const number = Number.parseInt(content?.toString('utf8') ?? '', 10)
  return Number.isSafeInteger(number) ? number : undefined
}
