/** A fresh project outside the workspace that has the packed packages installed. */
import { cp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { npm } from './commands.mjs'
import { temporaryFolder } from './temporary.mjs'

const files = fileURLToPath(new URL('../consumer', import.meta.url))

/**
 * @param packages those of packAll() to install
 * @param options.node whose version decides which versions npm picks
 * @param options.dependencies what the project has besides
 * @param options.engineStrict whether npm refuses what says that it is not for this version of Node
 * @returns the project's folder, which also holds the files of test/check/consumer
 */
export async function createConsumer(packages, { node, dependencies = {}, engineStrict = false } = {}) {
  const folder = await temporaryFolder('consumer')
  await cp(files, folder, { recursive: true })
  const tarballs = packages.map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`])
  const manifest = {
    private: true,
    type: 'module',
    dependencies: { ...dependencies, ...Object.fromEntries(tarballs) },
  }
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest))
  const flags = ['--no-audit', '--no-fund', '--loglevel=error', ...(engineStrict ? ['--engine-strict'] : [])]
  await npm(['install', '--ignore-scripts', '--prefer-offline', ...flags], { cwd: folder, node })
  return folder
}

/** The optional peers (undici), so that every entry can be loaded. */
export function optionalPeers(packages) {
  return Object.assign({}, ...packages.map(({ manifest }) => manifest.peerDependencies))
}

export async function installedVersion(project, name) {
  return JSON.parse(await readFile(path.join(project, 'node_modules', name, 'package.json'), 'utf8')).version
}

/** @returns { packages, bytes }: how much is installed */
export async function installedSize(project) {
  const lock = JSON.parse(await readFile(path.join(project, 'node_modules/.package-lock.json'), 'utf8'))
  const names = await readdir(path.join(project, 'node_modules'), { recursive: true })
  const stats = await Promise.all(names.map((name) => stat(path.join(project, 'node_modules', name))))
  const bytes = stats.filter((each) => each.isFile()).reduce((sum, each) => sum + each.size, 0)
  return { packages: Object.keys(lock.packages).length, bytes }
}
