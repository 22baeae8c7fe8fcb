/** buildah and podman on a storage of their own, which goes away with all that is in it. */
import { chmod, mkdtemp, readdir, readFile, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { run, start } from '../../check/support/commands.mjs'

/** Copies of the directory for every layer, but it needs neither overlay mounts nor a file system that has them. */
const STORAGE_DRIVER = 'vfs'

export async function openEngine() {
  const folder = await mkdtemp(path.join(tmpdir(), 'projected-token-containers-'))
  // Clients of another user reach the socket of a container through it.
  await chmod(folder, 0o711)
  const storage = [
    '--storage-driver',
    STORAGE_DRIVER,
    '--root',
    `${folder}/storage`,
    '--runroot',
    `${folder}/run`,
  ]
  // runc without systemd runs within any other container; podman logs nothing outside of the folder.
  const runtime = ['--runtime', 'runc', '--cgroup-manager', 'cgroupfs', '--events-backend', 'none']
  const podmanFlags = [...storage, '--tmpdir', `${folder}/tmp`, ...runtime]
  const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, STORAGE_DRIVER, BUILDAH_ISOLATION: 'chroot' }
  let closing
  const engine = {
    folder,
    storage,
    /** What `podman` must be started with, for those who start it themselves. */
    podmanFlags,
    env,
    podman: (args) => run('podman', [...podmanFlags, ...args], { env }),
    /** Like podman(), whatever the exit code. */
    tryPodman: (args) => start('podman', [...podmanFlags, ...args], { env }),
    buildah: (args) => run('buildah', [...storage, ...args], { env }),
    removeContainers: () => engine.tryPodman(['rm', '--all', '--force', '--time', '0']),
    /** Ends every container and removes everything. */
    close: () => {
      closing ??= close(engine)
      return closing
    },
  }
  return engine
}

async function close({ folder, removeContainers, storage, env }) {
  await removeContainers()
  await start('buildah', [...storage, 'rm', '--all'], { env })
  // What was killed while it built leaves its mounts: the innermost go first.
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[4])
  for (const mount of mounts.filter((each) => each?.startsWith(`${folder}/`)).reverse()) {
    await start('umount', ['--lazy', mount])
  }
  // Never through a mount that is still there.
  await run('rm', ['-rf', '--one-file-system', folder])
  await removeEmptyCgroups()
}

/** podman leaves the parents of its containers' control groups; those of somebody else's containers are not empty. */
async function removeEmptyCgroups() {
  const groups = '/sys/fs/cgroup'
  const controllers = (await readdir(groups)).map((controller) => path.join(groups, controller))
  for (const folder of [groups, ...controllers]) {
    for (const group of ['libpod_parent/conmon', 'libpod_parent']) {
      await rmdir(path.join(folder, group)).catch(() => {})
    }
  }
}
