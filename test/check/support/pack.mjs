/** Packs the public packages, once for all stages, exactly as `npm publish` would. */
import path from 'node:path'
import { npm } from './commands.mjs'
import { temporaryFolder } from './temporary.mjs'
import { publicPackages } from './workspace.mjs'

let packed

/** @returns each public package with `tarball` (absolute) and `files` (paths inside it) */
export function packAll() {
  packed ??= pack()
  return packed
}

async function pack() {
  const destination = await temporaryFolder('tarballs')
  const packages = await publicPackages()
  const workspaces = packages.map(({ folder }) => `--workspace=${folder}`)
  const output = await npm([
    'pack',
    '--json',
    '--loglevel=error',
    '--pack-destination',
    destination,
    ...workspaces,
  ])
  const results = Object.values(JSON.parse(output))
  return packages.map((each) => {
    const { filename, files } = results.find((result) => result.name === each.manifest.name)
    return { ...each, tarball: path.join(destination, filename), files: files.map((file) => file.path) }
  })
}
