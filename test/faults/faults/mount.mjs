/** Faults of what the path leads to. @typedef {import('./context.mjs').Fault} Fault */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { nothing } from './context.mjs'

const run = promisify(execFile)

/** @type {Fault[]} */
export const MOUNT_FAULTS = [
  removed('file missing', 4, {}),
  removed('directory missing', 4, { directory: true }),
  first(
    removed('directory missing at the start, for longer than the start may take', 4, { directory: true }),
  ),
  {
    name: 'tmpfs mounted over the watched directory',
    scenario: 5,
    needs: 'mounts',
    async apply({ kubelet }) {
      await mountTmpfs(kubelet.directory)
      // Another token in the new volume, of which the watch on the old one cannot know.
      await kubelet.rotate()
      return async () => {
        await run('umount', [kubelet.directory])
        await kubelet.restore()
      }
    },
  },
  first(obstructed('link dangles at the first mount', 6, 'dangling-link')),
  { ...obstructed('link dangles', 6, 'dangling-link') },
  {
    name: 'subPath: the file is mounted by itself, and expires',
    scenario: 9,
    first: true,
    needs: 'mounts',
    isLong: true,
    calm: true,
    says: /subPath/,
    kubelet: { expirationSeconds: 12 },
    async apply({ kubelet }) {
      // On a file system of its own, as the kubelet's volume is; then the one file over a path of the disk.
      const aside = await mkdtemp(`${kubelet.directory}-subpath-`)
      await mountTmpfs(aside)
      const source = path.join(aside, 'token')
      await writeFile(source, kubelet.current.token)
      await kubelet.remove()
      // What comes to light afterwards is as old.
      await writeFile(kubelet.path, kubelet.current.token)
      await run('mount', ['--bind', source, kubelet.path])
      return async () => {
        await run('umount', [kubelet.path])
        await run('umount', [aside])
        await rm(aside, { recursive: true })
        await kubelet.restore()
      }
    },
  },
  {
    name: 'mode 000',
    scenario: 11,
    needs: 'other-user',
    launch: 'other-user',
    apply: unreadable,
  },
  {
    name: 'mode 000 from the start, for longer than the start may take',
    scenario: 11,
    first: true,
    isLong: true,
    says: /fsGroup/,
    needs: 'other-user',
    launch: 'other-user',
    apply: unreadable,
  },
  {
    name: 'unmounted, and mounted again with a new token',
    scenario: 12,
    needs: 'mounts',
    async apply({ kubelet, untilLooked }) {
      await mountTmpfs(kubelet.directory)
      await kubelet.restore()
      await untilLooked()
      // An unmounted volume leaves an empty directory.
      await run('umount', [kubelet.directory])
      await kubelet.remove()
      return async () => {
        await kubelet.restore()
      }
    },
  },
  {
    name: 'volume exchanged for another directory',
    scenario: 12,
    async apply({ kubelet, untilLooked }) {
      await kubelet.remount({ onUnmounted: untilLooked })
      return nothing
    },
  },
  obstructed('a directory in its place', 29, 'directory'),
  replaced('a FIFO in its place', 29, 'special-files', (place) => run('mkfifo', [place])),
  replaced('a device in its place', 29, undefined, (place) => symlink('/dev/zero', place)),
  obstructed('a loop of links', 30, 'link-loop'),
  {
    name: 'a file in the place of its directory (ENOTDIR)',
    scenario: 30,
    async apply({ kubelet }) {
      const aside = `${kubelet.directory}.aside`
      await rename(kubelet.directory, aside)
      await writeFile(kubelet.directory, '')
      return async () => {
        await unlink(kubelet.directory)
        await rename(aside, kubelet.directory)
      }
    },
  },
  // Reading the unmapped first page of a process' own memory is what gives EIO without a broken disk.
  replaced('a file that cannot be read (EIO)', 30, 'special-files', (place) =>
    symlink('/proc/self/mem', place),
  ),
]

function removed(name, scenario, options) {
  return {
    name,
    scenario,
    async apply({ kubelet }) {
      await kubelet.remove(options)
      return () => kubelet.restore()
    },
  }
}

function obstructed(name, scenario, kind) {
  return {
    name,
    scenario,
    async apply({ kubelet }) {
      await kubelet.obstruct(kind)
      return () => kubelet.restore()
    },
  }
}

/** Something else under the token's own name. */
function replaced(name, scenario, needs, put) {
  return {
    name,
    scenario,
    needs,
    async apply({ kubelet }) {
      await unlink(kubelet.path)
      await put(kubelet.path)
      return async () => {
        await unlink(kubelet.path)
        await kubelet.restore()
      }
    },
  }
}

function first(fault) {
  return { ...fault, first: true, isLong: fault.name.includes('longer') }
}

async function unreadable({ kubelet }) {
  await kubelet.setMode(0)
  return () => kubelet.setMode(undefined)
}

/** In the mount namespace of this process. Every user may enter it. */
async function mountTmpfs(directory) {
  await mkdir(directory, { recursive: true })
  await run('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0755', 'tmpfs', directory])
}
