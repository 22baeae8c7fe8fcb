/** What the workspace publishes. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The public packages: [{ folder, manifest, entries }]; `folder` is absolute. */
export async function publicPackages() {
  const folders = (await readdir(path.join(root, 'packages'))).sort()
  const packages = await Promise.all(
    folders.map(async (name) => {
      const folder = path.join(root, 'packages', name)
      const manifest = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'))
      return { folder, manifest, entries: entriesOf(manifest) }
    }),
  )
  return packages.filter(({ manifest }) => !manifest.private)
}

/** What can be imported: [{ specifier, subpath, types, isEsmOnly }]; `types` is the ESM declaration file. */
function entriesOf(manifest) {
  return Object.entries(manifest.exports ?? {})
    .filter(([, target]) => typeof target === 'object')
    .map(([subpath, target]) => ({
      specifier: manifest.name + subpath.slice(1),
      subpath,
      types: (target.import ?? target).types,
      isEsmOnly: target.import === undefined,
    }))
}
