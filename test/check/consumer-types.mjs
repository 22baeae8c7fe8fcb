/** Compiles a user's program against the packed packages, as ESM and as CJS, by several compilers. */
import { cp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { cachedInstall } from './support/cached-install.mjs'
import { start } from './support/commands.mjs'
import { createConsumer, installedVersion } from './support/consumer-project.mjs'
import { inParallel } from './support/in-parallel.mjs'
import { packAll } from './support/pack.mjs'
import { StageFailure } from './support/run-stages.mjs'

/** Old with old, new with new: each compiler with the libraries that its users are likely to have. */
const COMPILERS = [
  { typescript: '5.4', undici: '^6.20.0', types: '20' },
  { typescript: '5.9', undici: '7', types: '22' },
  { typescript: '7', undici: '8', types: 'latest' },
]
const MODULES = [
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'preserve', moduleResolution: 'bundler' },
]

export const consumerTypes = {
  name: 'consumer-types',
  about: `compile a program that uses them with TypeScript ${COMPILERS.map((each) => each.typescript).join(', ')}`,
  needs: ['build'],
  async run({ note }) {
    const packages = await packAll()
    const problems = await inParallel(COMPILERS, 2, async (compiler) => {
      const { typescript, undici, types } = compiler
      const home = await cachedInstall(`typescript-${typescript}`, `typescript@${typescript}`)
      const project = await createConsumer(packages, { dependencies: { undici, '@types/node': types } })
      await writeSources(project, packages)
      const versions = await Promise.all([
        installedVersion(home, 'typescript'),
        installedVersion(project, 'undici'),
        installedVersion(project, '@types/node'),
      ])
      note(`TypeScript ${versions[0]}, undici ${versions[1]}, @types/node ${versions[2]}`)
      const found = []
      for (const options of MODULES) found.push(...(await compile(home, project, options)))
      return found.map((problem) => `TypeScript ${versions[0]}: ${problem}`)
    })
    if (problems.flat().length > 0) throw new StageFailure(problems.flat().join('\n'))
  },
}

/** program.mts is written by hand; every.mts makes the compiler read the types of all entries. Both also as CJS. */
async function writeSources(project, packages) {
  const entries = packages.flatMap((each) => each.entries)
  const textOf = (some) =>
    some.map(({ specifier }, index) => `export * as entry${index} from '${specifier}'\n`).join('')
  await writeFile(path.join(project, 'every.mts'), textOf(entries))
  await writeFile(path.join(project, 'every.cts'), textOf(entries.filter(({ isEsmOnly }) => !isEsmOnly)))
  await cp(path.join(project, 'program.mts'), path.join(project, 'program.cts'))
}

async function compile(home, project, options) {
  const file = `tsconfig.${options.module}.json`
  const compilerOptions = {
    ...options,
    target: 'es2022',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
  }
  const files = ['program.mts', 'program.cts', 'every.mts', 'every.cts']
  await writeFile(path.join(project, file), JSON.stringify({ compilerOptions, files }))
  const tsc = path.join(home, 'node_modules/typescript/bin/tsc')
  const { code, stdout, stderr } = await start(process.execPath, [tsc, '--project', file], { cwd: project })
  return code === 0 ? [] : [`module ${options.module}\n${stdout}${stderr}`]
}
