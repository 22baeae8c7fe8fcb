/** What this machine, and this user, can do to a process. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const works = (command, ...args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0
const isRoot = process.getuid?.() === 0
const here = fileURLToPath(import.meta.url)
const AS_NOBODY = ['--reuid', '65534', '--regid', '65534', '--clear-groups']

const REASONS = {
  control: () => (process.platform === 'linux' ? undefined : 'needs Linux'),
  mounts: () =>
    isRoot && works('unshare', '--mount', '--propagation', 'private', 'true')
      ? undefined
      : 'needs root, and a mount namespace of its own',
  'other-user': () => {
    if (!isRoot) return undefined
    const canRead = works('setpriv', ...AS_NOBODY, process.execPath, '--check', here)
    return canRead ? undefined : 'needs setpriv, and a checkout and a Node that another user can read'
  },
  namespaces: () =>
    works('unshare', '--user', '--map-root-user', 'true') ? undefined : 'needs user namespaces',
  prlimit: () => (works('prlimit', '--version') ? undefined : 'needs prlimit'),
  'special-files': () =>
    process.platform === 'linux' && works('mkfifo', '--version') ? undefined : 'needs Linux and mkfifo',
}
const known = new Map()

/** Why a fault cannot be made here; `undefined` when it can. */
export function whyNot(need) {
  if (need === undefined) return undefined
  if (!known.has(need)) known.set(need, REASONS[need]())
  return known.get(need)
}

/** The command that has to run this process for `mounts`: what it mounts then ends with it, however it ends. */
export const IN_OWN_MOUNT_NAMESPACE = ['unshare', '--mount', '--propagation', 'private']
