import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const packages = fileURLToPath(new URL('../../../packages/', import.meta.url))
/** The programs, which no package exports: as modules, so that a case need not start a process. */
const PROGRAMS = { 'program:cli': 'cli/src/run.ts', 'program:sidecar': 'sidecar/src/program.ts' }
const OWN = /^@projected-token\/([a-z]+)(?:\/([a-z]+))?$/
const BARE = /^[^./]/

/** Makes one program of a source, of this repository or its packages. @returns its path */
export async function bundle(entryPoint, outfile) {
  await build({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'error',
    plugins: [ownSources, installedModules],
  })
  return outfile
}

const ownSources = {
  name: 'own-sources',
  setup({ onResolve }) {
    onResolve({ filter: /^program:/ }, ({ path: name }) => ({ path: path.join(packages, PROGRAMS[name]) }))
    onResolve({ filter: OWN }, ({ path: specifier }) => {
      const [, folder, entry = 'index'] = OWN.exec(specifier)
      return { path: path.join(packages, folder, 'src', `${entry}.ts`) }
    })
  },
}

/** Those that the importing package has, wherever the program itself lies. */
const installedModules = {
  name: 'installed-modules',
  setup({ onResolve, resolve }) {
    onResolve({ filter: BARE }, async ({ path: specifier, pluginData, ...rest }) => {
      const isOurs = specifier.startsWith('program:') || OWN.test(specifier)
      if (pluginData === 'inner' || specifier.startsWith('node:') || isOurs) return undefined
      const found = await resolve(specifier, {
        kind: rest.kind,
        importer: rest.importer,
        resolveDir: rest.resolveDir,
        pluginData: 'inner',
      })
      return found.errors.length > 0 ? found : { path: found.path, external: true }
    })
  },
}
