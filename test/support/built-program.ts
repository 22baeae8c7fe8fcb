import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import { afterAll, beforeAll } from 'vitest'

const packages = fileURLToPath(new URL('../../packages/', import.meta.url))
const source = (file: string) => join(packages, file)

/** A program of a package. */
export interface ProgramOptions {
  /** The package's folder. */
  readonly folder: string
  /** Below `src`: what the bin imports from `dist`. */
  readonly entry: string
  readonly bin: string
  /**
   * What it needs besides this workspace: `linked` as an installation would have it, the same modules that users get,
   * loaded in the same way; or `bundled`, so that it also runs where nothing of this workspace may be read.
   */
  readonly dependencies: 'linked' | 'bundled'
}

/** The bin as a program of its own, made from the sources for the tests of a file: no package has to be built for it. */
export function useBuiltProgram({ folder, entry, bin, dependencies }: ProgramOptions): {
  readonly path: string
} {
  const built = { path: '' }
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), `projected-token-${folder}-build-`))
    await build({
      config: false,
      silent: true,
      entry: [source(`${folder}/src/${entry}`)],
      outDir: join(directory, 'dist'),
      format: ['esm'],
      target: 'node20',
      ...(dependencies === 'bundled' ? BUNDLED : LINKED),
      esbuildOptions(options) {
        options.alias = {
          '@projected-token/core': source('core/src/index.ts'),
          '@projected-token/core/provider': source('core/src/provider.ts'),
          '@projected-token/core/sink': source('core/src/sink.ts'),
          '@projected-token/fetch': source('fetch/src/index.ts'),
          '@projected-token/fetch/undici': source('fetch/src/undici.ts'),
          '@projected-token/testing': source('testing/src/index.ts'),
          '@projected-token/vault': source('vault/src/index.ts'),
        }
      },
    })
    await cp(source(`${folder}/bin`), join(directory, 'bin'), { recursive: true })
    await cp(source(`${folder}/package.json`), join(directory, 'package.json'))
    if (dependencies === 'linked') await linkDependencies(folder, join(directory, 'node_modules'))
    // Another user may have to run it, whatever the umask is.
    for (const own of [
      '.',
      'bin',
      'dist',
      ...(await filesIn(directory, 'bin')),
      ...(await filesIn(directory, 'dist')),
    ]) {
      await chmod(join(directory, own), 0o755)
    }
    built.path = join(directory, 'bin', bin)
  }, 240_000)
  afterAll(() => rm(directory, { recursive: true, force: true }))
  return built
}

const filesIn = async (directory: string, folder: string) =>
  (await readdir(join(directory, folder))).map((name) => join(folder, name))

const LINKED = {
  splitting: true,
  noExternal: [/^@projected-token\//],
  external: [/^(?!@projected-token\/)[@a-z]/],
}
const BUNDLED = {
  splitting: false,
  noExternal: [/.*/],
  // What is bundled from CommonJS calls require().
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
}

/** Those of a package, and of the packages of this workspace that it depends on. */
async function linkDependencies(folder: string, into: string): Promise<void> {
  const { dependencies = {} } = JSON.parse(await readFile(source(`${folder}/package.json`), 'utf8'))
  for (const dependency of Object.keys(dependencies)) {
    const [, ownFolder] = /^@projected-token\/(.+)$/.exec(dependency) ?? []
    if (ownFolder !== undefined) {
      await linkDependencies(ownFolder, into)
      continue
    }
    const places = [source(`${folder}/node_modules/${dependency}`), source(`../node_modules/${dependency}`)]
    const place = places.find((one) => existsSync(one))
    const link = join(into, dependency)
    if (place === undefined || existsSync(link)) continue
    await mkdir(dirname(link), { recursive: true })
    await symlink(place, link, 'dir')
  }
}
