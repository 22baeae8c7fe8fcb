/** Installs the packed packages as a user would, and uses them on every supported Node. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { findNode } from './support/cached-install.mjs'
import { start } from './support/commands.mjs'
import {
  createConsumer,
  installedSize,
  installedVersion,
  optionalPeers,
} from './support/consumer-project.mjs'
import { inParallel } from './support/in-parallel.mjs'
import { packAll } from './support/pack.mjs'
import { StageFailure } from './support/run-stages.mjs'

/** The lowest version that `engines` allows, then the newest of each major version. */
const NODES = ['20.19.0', '20', '22', '24', '26']
/** What watching and sending a token may cost a user. */
const MAX_PACKAGES_OF_CORE_AND_FETCH = 10

export const consumer = {
  name: 'consumer',
  about: `install the tarballs and use them on Node ${NODES.join(', ')}`,
  needs: ['build'],
  async run({ note, skip }) {
    const packages = await packAll()
    const problems = await inParallel(NODES, 2, async (wanted) => {
      const { node, version, reason } = await findNode(wanted)
      if (!node) {
        skip(`Node ${wanted}: ${reason}`)
        return []
      }
      const found = await checkOn(node, packages, (text) => note(`Node ${version}: ${text}`))
      return found.map((problem) => `Node ${version}: ${problem}`)
    })
    problems.push(await checkSize(packages, note))
    if (problems.flat().length > 0) throw new StageFailure(problems.flat().join('\n'))
  },
}

async function checkOn(node, packages, note) {
  const dependencies = optionalPeers(packages)
  const project = await createConsumer(packages, { node, dependencies, engineStrict: true })
  const libraries = await Promise.all(
    ['jose', 'undici'].map(async (name) => `${name} ${await installedVersion(project, name)}`),
  )
  note(libraries.join(', '))
  const specifiers = packages.flatMap((each) => each.entries.map((entry) => entry.specifier))
  const names = packages.map((each) => each.manifest.name)
  const uses = ['core', 'fetch', 'grpc', 'testing', 'vault'].filter((name) =>
    names.includes(`@projected-token/${name}`),
  )
  const scripts = [
    ['same-exports.mjs', ...specifiers],
    ...uses.flatMap((name) => ['esm', 'cjs'].map((format) => [`use-${name}.mjs`, format])),
  ]
  const problems = []
  for (const args of scripts) {
    const { code, stdout, stderr } = await start(node, args, { cwd: project })
    // Silence is part of it: a user must not see warnings that loading our files provokes.
    if (code !== 0 || stderr !== '')
      problems.push(`node ${args.join(' ')} (exit code ${code})\n${stdout}${stderr}`)
  }
  const withBin = packages.filter((each) => each.manifest.bin)
  for (const each of withBin) problems.push(...(await checkBin(node, project, each.manifest)))
  return problems
}

async function checkBin(node, project, { name, version, bin }) {
  const [command, file] = Object.entries(bin)[0]
  const installed = path.join(project, 'node_modules/.bin', command)
  const script = path.join(project, 'node_modules', name, file)
  const problems = []
  if (!(await readFile(installed, 'utf8').catch(() => ''))) problems.push(`npm made no command '${command}'`)
  const shown = await start(node, [script, '--version'], { cwd: project })
  if (shown.stdout.trim() !== version) problems.push(`${command} --version: ${shown.stdout}${shown.stderr}`)
  const help = await start(node, [script, '--help'], { cwd: project })
  if (help.code !== 0 || !help.stdout.includes(command))
    problems.push(`${command} --help: ${help.stdout}${help.stderr}`)
  return problems
}

/** The smallest install: it also shows that no optional peer is needed to load the packages themselves. */
async function checkSize(packages, note) {
  const wanted = packages.filter(({ manifest }) => /\/(core|fetch)$/.test(manifest.name))
  const project = await createConsumer(wanted)
  const { packages: count, bytes } = await installedSize(project)
  note(`core + fetch install ${count} packages, ${(bytes / 1e6).toFixed(2)} MB`)
  const names = wanted.map(({ manifest }) => manifest.name)
  const { code, stderr } = await start(process.execPath, ['same-exports.mjs', ...names], { cwd: project })
  return [
    ...(code === 0 ? [] : [`core + fetch alone do not load\n${stderr}`]),
    ...(count <= MAX_PACKAGES_OF_CORE_AND_FETCH
      ? []
      : [`core + fetch install ${count} packages; at most ${MAX_PACKAGES_OF_CORE_AND_FETCH} are meant`]),
  ]
}
