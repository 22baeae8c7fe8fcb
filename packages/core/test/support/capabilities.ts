import { spawnSync } from 'node:child_process'

const works = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0
const isRoot = process.getuid?.() === 0

/** A process in a user and mount namespace of its own: it may mount, and set its own limits. */
export const IN_NAMESPACE = ['unshare', '--user', '--map-root-user', '--mount', '--propagation', 'private']
/** A process of a user who is not root: root may read everything. */
export const AS_NOBODY = isRoot ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : []

/** Arguments of vitest's `skip`: whether, and the reason that it prints. */
type Skip = [condition: boolean, reason: string]

export const noNamespaces: Skip = [
  !works('unshare', ...IN_NAMESPACE.slice(1), 'true'),
  'needs Linux user and mount namespaces (unshare)',
]
export const noOtherUser: Skip = [
  process.platform === 'win32' || (isRoot && !works('setpriv', '--reuid', '65534', 'true')),
  'needs POSIX permissions and, as root, setpriv to run as another user',
]
export const notLinux: Skip = [process.platform !== 'linux', 'inotify and /proc are Linux only']
