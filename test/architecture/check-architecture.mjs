/** Judges a workspace by the rules of its architecture: arrows, sources, folders, manifests. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { cruise } from 'dependency-cruiser'
import { dependencyRules, hasArrows } from './dependency-rules.mjs'
import { checkSources } from './source-rules.mjs'

const TOP_LEVEL_FOLDERS = ['examples', 'packages', 'test']
/** npm runs these on the machine of whoever installs. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare']

/**
 * @param root folder of the workspace
 * @returns two lists of { rule, where, message }: `violations` of a rule, and `warnings`
 */
export async function checkArchitecture(root) {
  const packages = await readPackages(root)
  const found = await Promise.all([
    checkFolders(root),
    checkDependencies(root, packages),
    ...packages.map(checkSources),
    ...packages.map(checkManifest),
  ])
  return {
    violations: found.flatMap((each) => each.violations),
    warnings: found.flatMap((each) => each.warnings ?? []),
  }
}

async function readPackages(root) {
  const folders = (await readdir(path.join(root, 'packages'))).sort()
  return Promise.all(
    folders.map(async (name) => {
      const folder = `packages/${name}`
      const manifest = JSON.parse(await readFile(path.join(root, folder, 'package.json'), 'utf8'))
      const bins = Object.values(manifest.bin ?? {})
      const binTexts = await Promise.all(
        bins.map((bin) => readFile(path.join(root, folder, bin), 'utf8').catch(() => '')),
      )
      const files = await readdir(path.join(root, folder, 'src'), { recursive: true }).catch(() => [])
      const sources = files
        .filter((file) => file.endsWith('.ts'))
        .map((file) => `${folder}/src/${file.replaceAll('\\', '/')}`)
        .sort()
        .map(async (file) => ({ path: file, text: await readFile(path.join(root, file), 'utf8') }))
      return { name, folder, manifest, binTexts, sources: await Promise.all(sources) }
    }),
  )
}

async function checkFolders(root) {
  const ignored = (await readFile(path.join(root, '.gitignore'), 'utf8')).split('\n')
  const folders = (await readdir(root, { withFileTypes: true }))
    .filter(
      (entry) => entry.isDirectory() && !entry.name.startsWith('.') && !ignored.includes(`${entry.name}/`),
    )
    .map((entry) => entry.name)
    .sort()
  if (folders.join() === TOP_LEVEL_FOLDERS.join()) return { violations: [] }
  const message = `are ${folders.join(', ')}; they must be ${TOP_LEVEL_FOLDERS.join(', ')}`
  return { violations: [{ rule: 'top-level-folders', where: '.', message }] }
}

function checkManifest({ name, folder, manifest }) {
  const scripts = INSTALL_SCRIPTS.filter((script) => manifest.scripts?.[script] !== undefined)
  const violations = scripts.map((script) => {
    const message = `has the script '${script}', which runs when somebody installs it`
    return { rule: 'no-install-scripts', where: folder, message }
  })
  if (hasArrows(name)) return { violations }
  const message = 'a new package first gets its arrows in dependency-rules.mjs'
  return { violations: [...violations, { rule: 'known-package', where: folder, message }] }
}

async function checkDependencies(root, packages) {
  const folders = await readdir(root)
  const entries = packages.flatMap(sourceEntries)
  const { output } = await cruise(
    TOP_LEVEL_FOLDERS.filter((folder) => folders.includes(folder)),
    {
      baseDir: root,
      validate: true,
      ruleSet: { forbidden: dependencyRules(entries) },
      tsPreCompilationDeps: true,
      exclude: { path: '(^|/)dist/' },
      doNotFollow: { path: 'node_modules' },
    },
    {
      alias: sourceAliases(root, packages),
      conditionNames: ['import', 'types', 'node', 'default'],
      exportsFields: ['exports'],
      bustTheCache: true,
    },
  )
  return {
    violations: output.summary.violations.map(({ rule, from, to, cycle }) => {
      const steps = cycle ? cycle.map((step) => step.name) : to === from ? [] : [to]
      const message = `${steps.map((step) => `→ ${step} `).join('')}(${commentOf(output, rule.name, from)})`
      return { rule: rule.name, where: from, message }
    }),
  }
}

function commentOf(output, name, from) {
  const rules = output.summary.ruleSetUsed.forbidden.filter((rule) => rule.name === name)
  return (rules.find((rule) => new RegExp(rule.from.path).test(from)) ?? rules[0]).comment
}

/** Package names and declared subpaths, as the source files behind them: no build is needed to judge. */
function sourceAliases(root, packages) {
  const aliases = packages.flatMap(({ folder, manifest }) =>
    Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]) =>
      builtEntries(JSON.stringify(target)).map((entry) => [
        manifest.name + subpath.slice(1),
        path.join(root, folder, `src/${entry}.ts`),
      ]),
    ),
  )
  // An alias also takes what is below its name, so the longest comes first; below a file there is nothing, which
  // is how an undeclared subpath fails to resolve.
  return Object.fromEntries(aliases.sort(([a], [b]) => b.length - a.length))
}

/** The sources from which all others must be reached: what `exports` names and what a bin loads. */
function sourceEntries({ folder, manifest, binTexts }) {
  const entries = builtEntries([JSON.stringify(manifest.exports ?? {}), ...binTexts].join('\n'))
  return entries.map((entry) => `${folder}/src/${entry}.ts`)
}

const builtEntries = (text) => [
  ...new Set(Array.from(text.matchAll(/dist\/([\w-]+)\.js/g), ([, name]) => name)),
]
