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

/** Reads /proc/self/mountinfo (proc_pid_mountinfo(5)); lines that are none are left out. Pure. */
export function parseMountinfo(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after] = line.split(' - ')
    const [, , , root, mountPoint, options] = before.split(' ')
    const [fsType] = after?.split(' ') ?? []
    if (root === undefined || mountPoint === undefined || fsType === undefined) return []
    const isReadOnly = (options ?? '').split(',').includes('ro')
    return [{ mountPoint: withoutEscapes(mountPoint), root: withoutEscapes(root), fsType, isReadOnly }]
  })
}

/** The mount that a path without links lies in: the deepest, and of several at one place the last. Pure. */
export function mountOf(realPath: string, mounts: readonly Mount[]): Mount | undefined {
  let found: Mount | undefined
  for (const mount of mounts) {
    if (!contains(mount.mountPoint, realPath)) continue
    if (!found || mount.mountPoint.length >= found.mountPoint.length) found = mount
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
