/** The programs that make and run containers. */
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { run, start } from '../check/support/commands.mjs'

const PACKAGES = ['buildah', 'debootstrap', 'podman', 'runc']

/** Installs what is missing, if that is possible. @returns why containers cannot be made here, or undefined */
export async function prepareTools() {
  if (process.platform !== 'linux') return `containers need Linux, and this is ${process.platform}`
  if (process.getuid() !== 0) return 'debootstrap and the mounts of a container need root'
  const missing = PACKAGES.filter((name) => !isProgram(name))
  if (missing.length === 0) return undefined
  if (!isProgram('apt-get')) return `${missing.join(', ')} not found, and no apt-get to install them with`
  const startedAtMs = performance.now()
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update'], { env })
  const args = ['install', '-y', '--no-install-recommends', ...missing]
  const { code, stderr } = await start('apt-get', args, { env })
  if (code !== 0) return `apt-get could not install ${missing.join(', ')}: ${stderr.trim()}`
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0)
  console.log(`installed ${missing.join(', ')} in ${seconds} s`)
  return undefined
}

function isProgram(name) {
  // sbin is not on everybody's PATH, but root's packages are there.
  return [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(path.join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
