/** Programs from the npm registry that the checks need in several versions: Node itself, TypeScript. */
import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { npm, start } from './commands.mjs'

const { PROJECTED_TOKEN_CACHE, XDG_CACHE_HOME } = process.env
/** Beside the built Go programs and the container's base image. */
export const cache =
  PROJECTED_TOKEN_CACHE ?? path.join(XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'projected-token')

/** Installs `spec` into the cache unless `label` is there. @returns the folder that holds its node_modules */
export async function cachedInstall(label, spec) {
  const folder = path.join(cache, label)
  if (await exists(folder)) return folder
  await mkdir(cache, { recursive: true })
  // Renamed when complete: an interrupted download, or another check at the same time, must not be taken for it.
  const incomplete = await mkdtemp(path.join(cache, `.${label}-`))
  try {
    await writeFile(path.join(incomplete, 'package.json'), '{ "private": true }')
    await npm(['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', spec], {
      cwd: incomplete,
    })
    await rename(incomplete, folder).catch((error) =>
      exists(folder).then((there) => there || Promise.reject(error)),
    )
    return folder
  } finally {
    await rm(incomplete, { recursive: true, force: true })
  }
}

/**
 * Finds a Node of the wanted version: the running one for its own major version, else one from the registry.
 *
 * @param wanted '22', or '20.19.0' for exactly that
 * @returns { node, version }, or { reason } when this machine cannot have it
 */
export async function findNode(wanted) {
  if (wanted === process.versions.node.split('.')[0])
    return { node: process.execPath, version: process.version }
  const system = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${system}-${process.arch}`
  try {
    const folder = await cachedInstall(`node-${wanted}`, `${name}@${wanted}`)
    const program = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node'
    const node = path.join(folder, 'node_modules', name, program)
    const { code, stdout, stderr } = await start(node, ['--version'])
    return code === 0
      ? { node, version: stdout.trim() }
      : { reason: `it does not start: ${firstLine(stderr)}` }
  } catch (error) {
    const code = /npm error code (E404|ETARGET|EBADPLATFORM)/.exec(error.message)?.[1]
    if (code) return { reason: `there is no ${name} of that version (${code})` }
    throw error
  }
}

const exists = (file) =>
  access(file).then(
    () => true,
    () => false,
  )
const firstLine = (text) => text.trim().split('\n')[0]
