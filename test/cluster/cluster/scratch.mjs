/** What a cluster leaves on a machine beside its processes: mounts, control groups, kernel settings, a folder. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { run, start } from '../../check/support/commands.mjs'
import { until } from '../support/process.mjs'

const CGROUPS = '/sys/fs/cgroup'
/** Of the kubelet for its pods, and of containerd for what has no group of its own. */
const GROUPS = ['kubepods', 'k8s.io']
/** The kubelet sets them as it needs them (`setupKernelTunables` in pkg/kubelet/cm/container_manager_linux.go). */
const SETTINGS = [
  ...['vm/overcommit_memory', 'vm/panic_on_oom', 'kernel/panic', 'kernel/panic_on_oops'],
  ...['kernel/keys/root_maxkeys', 'kernel/keys/root_maxbytes'],
].map((name) => `/proc/sys/${name}`)

/** Where a kubelet and containerd write whatever their configuration says. */
const FIXED_FOLDERS = ['/var/lib/kubelet', '/var/log/containers', '/run/containerd']

/** @returns why no cluster may be started here, or undefined */
export function foreignKubelet() {
  const found = [
    ...groups().filter((group) => path.basename(group) === 'kubepods'),
    ...folders(FIXED_FOLDERS.slice(0, 1)),
  ]
  if (found.length === 0) return undefined
  return `a kubelet runs here, or has left something behind: ${found.join(', ')}`
}

/** @returns restore(), which removes those of the fixed folders that are not there now */
export function rememberFolders() {
  const before = folders(FIXED_FOLDERS)
  return () =>
    Promise.all(
      FIXED_FOLDERS.filter((folder) => !before.includes(folder)).map((folder) =>
        rm(folder, { recursive: true, force: true }),
      ),
    )
}

const folders = (wanted) => wanted.filter((folder) => existsSync(folder))

/** @returns restore(), which puts the kernel's settings back as they are now */
export async function rememberSettings() {
  const values = await Promise.all(SETTINGS.map((file) => readFile(file, 'utf8').catch(() => undefined)))
  return async () => {
    for (const [index, file] of SETTINGS.entries()) {
      const now = await readFile(file, 'utf8').catch(() => undefined)
      if (values[index] !== undefined && now !== values[index]) await writeFile(file, values[index])
    }
  }
}

/** Mount points below a folder, the innermost first. */
export function mountsBelow(folder) {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((mount) => mount?.startsWith(`${folder}/`))
    .reverse()
}

/** Ends what runs in the groups of containers, with the shims that hold them; by process id. */
export async function killContainers(folder) {
  for (const group of groups()) for (const pid of processesOf(group)) kill(pid)
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const isShim = command.startsWith(folder) || command.includes(`-address\0${folder}/`)
    if (isShim && command.includes('containerd-shim-runc-v2')) kill(Number(pid))
  }
  await until(() => groups().flatMap(processesOf).length === 0, { what: 'containers do not end' })
}

export async function removeScratch(folder) {
  for (const mount of mountsBelow(folder)) await start('umount', ['--lazy', mount])
  for (const group of groups()) removeGroup(group)
  // Never through a mount that is still there.
  await run('rm', ['-rf', '--one-file-system', folder])
  await rm(folder, { recursive: true, force: true })
}

/** What is left although it should not be. */
export function leftovers(folder) {
  return [
    ...mountsBelow(folder).map((mount) => `the mount ${mount}`),
    ...groups().map((group) => `the control group ${group}`),
  ]
}

/** Of every hierarchy, v1 or v2. */
function groups() {
  const hierarchies = [CGROUPS, ...subdirectories(CGROUPS)]
  return hierarchies.flatMap((hierarchy) =>
    GROUPS.map((name) => path.join(hierarchy, name)).filter((group) => subdirectories(group) !== none),
  )
}

const none = []
function subdirectories(folder) {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => path.join(folder, name))
  } catch {
    return none
  }
}

function processesOf(group) {
  const below = subdirectories(group).flatMap(processesOf)
  try {
    return [
      ...below,
      ...readFileSync(path.join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number),
    ]
  } catch {
    return below
  }
}

function removeGroup(group) {
  for (const child of subdirectories(group)) removeGroup(child)
  try {
    rmdirSync(group)
  } catch {
    // A process is still on its way out: leftovers() tells.
  }
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
