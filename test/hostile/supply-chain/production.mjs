import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const readJson = async (file) => JSON.parse(await readFile(path.join(root, file), 'utf8'))

/** The packages that are published, with their package.json. */
export async function publishedPackages() {
  const folders = (await readdir(path.join(root, 'packages'))).sort()
  return Promise.all(
    folders.map(async (folder) => ({
      folder: `packages/${folder}`,
      files: await readdir(path.join(root, 'packages', folder)),
      manifest: await readJson(`packages/${folder}/package.json`),
    })),
  )
}

/**
 * Everything that is installed with them, from the lock file: dependencies of dependencies too. Peers are what their
 * users have chosen already, and are not followed.
 */
export async function productionDependencies() {
  const { packages: locked } = await readJson('package-lock.json')
  const found = new Map()
  for (const { folder, manifest } of await publishedPackages()) {
    const pending = namesOf(manifest).map((name) => [folder, name])
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [from, name] = next
      const place = resolve(locked, from, name)
      if (place === undefined) continue // optional, and not for this platform
      const entry = locked[place]
      if (entry.link) continue // one of ours, which has its own turn
      const dependency = found.get(place) ?? { place, name, entry, neededBy: new Set() }
      found.set(place, dependency)
      if (dependency.neededBy.has(manifest.name)) continue
      dependency.neededBy.add(manifest.name)
      pending.push(...namesOf(entry).map((inner) => [place, inner]))
    }
  }
  const all = await Promise.all([...found.values()].map(withInstalledLicence))
  return all.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version.localeCompare(b.version)))
}

const namesOf = ({ dependencies = {}, optionalDependencies = {} }) => [
  ...Object.keys({ ...dependencies, ...optionalDependencies }),
]

/** As Node looks for it: in the nearest node_modules. */
function resolve(locked, from, name) {
  for (let folder = from; ; folder = path.posix.dirname(folder)) {
    const place = path.posix.join(folder, 'node_modules', name)
    if (place in locked) return place
    if (folder === '.') return undefined
  }
}

/** What its own package.json says; the lock file only repeats it. */
async function withInstalledLicence({ place, name, entry, neededBy }) {
  const { license, licenses } = await readJson(`${place}/package.json`).catch(() => ({}))
  const installed =
    typeof license === 'string' ? license : (license?.type ?? licenses?.map(({ type }) => type).join(' OR '))
  return {
    place,
    name,
    version: entry.version,
    licence: installed ?? entry.license ?? 'none',
    lockedLicence: entry.license,
    hasInstallScript: entry.hasInstallScript === true,
    resolved: entry.resolved,
    integrity: entry.integrity,
    neededBy: [...neededBy].sort(),
  }
}
