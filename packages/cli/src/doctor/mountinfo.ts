/** A line of /proc/self/mountinfo. */
export interface Mount {
  readonly mountPoint: string
  /** Which directory, or file, of the file system is mounted there. */
  readonly root: string
  readonly fsType: string
  readonly isReadOnly: boolean
}

/** What the kubelet's AtomicWriter calls the directory of one version of a volume (pkg/volume/util/atomic_writer.go). */
const VERSION_OF_VOLUME = /\/\.\.\d{4}_\d{2}_\d{2}_\d{2}_\d{2}_\d{2}\.[^/]*(?:\/|$)/
/** What the kernel appends to the root of a mount whose file, or directory, was removed. */
const REMOVED = '//deleted'

/** With the ids that tell which mount it is mounted on. */
interface ListedMount extends Mount {
  readonly id: string
  readonly parentId: string
}

/**
 * Reads /proc/self/mountinfo (proc_pid_mountinfo(5)): the mounts that paths lead to, without those that another one
 * hides. Lines that are none are left out. Pure.
 */
export function parseMountinfo(text: string): Mount[] {
  const listed = text.split('\n').flatMap((line): ListedMount[] => {
    const [before = '', after] = line.split(' - ')
    const [id = '', parentId = '', , root, mountPoint, options] = before.split(' ')
    const [fsType] = after?.split(' ') ?? []
    if (root === undefined || mountPoint === undefined || fsType === undefined) return []
    const isReadOnly = (options ?? '').split(',').includes('ro')
    const place = { mountPoint: withoutEscapes(mountPoint), root: withoutEscapes(root) }
    return [{ id, parentId, ...place, fsType, isReadOnly }]
  })
  // Each id once, so that no way from mount to mount comes back to where it was.
  const byId = new Map(listed.map((mount) => [mount.id, mount]))
  return withoutHidden([...byId.values()]).map(({ id, parentId, ...mount }) => mount)
}

/** A mount is seen if the way to its place, from mount to mount as the kernel goes it, ends on it. */
function withoutHidden(mounts: readonly ListedMount[]): ListedMount[] {
  const ids = new Set(mounts.map(({ id }) => id))
  const onTop = new Map<string, ListedMount>()
  const keyOf = (parentId: string | undefined, mountPoint: string) => `${parentId} ${mountPoint}`
  for (const mount of mounts) {
    const { id, parentId, mountPoint } = mount
    // The first one is mounted on itself, or on what lies outside of this container.
    const parent = ids.has(parentId) && parentId !== id ? parentId : undefined
    onTop.set(keyOf(parent, mountPoint), mount)
  }
  const seenAt = (mountPoint: string) => {
    let at: ListedMount | undefined
    for (const place of placesTo(mountPoint)) {
      for (let next = onTop.get(keyOf(at?.id, place)); next; next = onTop.get(keyOf(next.id, place)))
        at = next
    }
    return at
  }
  return mounts.filter((mount) => seenAt(mount.mountPoint) === mount)
}

/** `/`, `/a`, `/a/b` for `/a/b`. */
function placesTo(path: string): string[] {
  const ends = [...path.matchAll(/\//g)].map(({ index }) => index).filter((index) => index > 0)
  return ['/', ...ends.map((end) => path.slice(0, end)), ...(path === '/' ? [] : [path])]
}

/** The mount that a path without links lies in: the deepest of those that are seen. Pure. */
export function mountOf(realPath: string, mounts: readonly Mount[]): Mount | undefined {
  let found: Mount | undefined
  for (const mount of mounts) {
    if (!contains(mount.mountPoint, realPath)) continue
    if (!found || mount.mountPoint.length > found.mountPoint.length) found = mount
  }
  return found
}

/** Whether a mount holds one version of a volume, and so never the next: `subPath`, of a file or of a directory. Pure. */
export function isPinned({ mountPoint, root }: Mount, realPath: string): boolean {
  return mountPoint === realPath || VERSION_OF_VOLUME.test(root.slice(0, removedAt(root)))
}

/** Whether what is mounted has been removed at its origin: the kubelet has put another version in its place. Pure. */
export function isRemoved({ root }: Mount): boolean {
  return root.endsWith(REMOVED)
}

function removedAt(root: string): number {
  return root.endsWith(REMOVED) ? root.length - REMOVED.length : root.length
}

function contains(mountPoint: string, path: string): boolean {
  return mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`)
}

/** Space, tab, line feed and backslash are written as three octal digits. */
function withoutEscapes(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_match, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
}
