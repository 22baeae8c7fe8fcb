/** The arrows between the packages, as dependency-cruiser rules. What they do not allow is forbidden. */

/** Which packages (by folder) the sources of each package may import. `types` allows `import type` only. */
const ARROWS = {
  core: {},
  fetch: { core: 'values' },
  grpc: { core: 'values' },
  vault: { core: 'values', fetch: 'values' },
  sidecar: { core: 'values', fetch: 'values', vault: 'values' },
  testing: { core: 'types' },
  cli: {
    core: 'values',
    fetch: 'values',
    grpc: 'values',
    vault: 'values',
    testing: 'values',
    sidecar: 'values',
  },
}

const sourcesOf = (folder) => `^packages/${folder}/src/`
const allowed = (arrows, kind) => Object.keys(arrows).filter((folder) => kind.includes(arrows[folder]))
const oneOf = (folders) => (folders.length === 0 ? [] : [sourcesOf(`(${folders.join('|')})`)])

function arrowRules(folder) {
  const arrows = ARROWS[folder]
  const values = allowed(arrows, ['values'])
  const types = allowed(arrows, ['types'])
  const rules = [
    {
      name: 'package-arrows',
      comment: `${folder} may import ${[...values, ...types].join(', ') || 'no other package'}`,
      from: { path: sourcesOf(folder) },
      to: { path: '^packages/', pathNot: [`^packages/${folder}/`, ...oneOf([...values, ...types])] },
    },
  ]
  if (types.length === 0) return rules
  return [
    ...rules,
    {
      name: 'types-only',
      comment: `${folder} may import types alone (\`import type\`) from ${types.join(', ')}`,
      from: { path: sourcesOf(folder) },
      to: { path: oneOf(types), dependencyTypesNot: ['type-only'] },
    },
  ]
}

export const hasArrows = (folder) => folder in ARROWS

/** @param entries the source files behind what the packages declare: `packages/core/src/index.ts` and so on */
export function dependencyRules(entries) {
  const entryPatterns = entries.map((entry) => `^${entry.replaceAll('.', '\\.')}$`)
  return [
    ...Object.keys(ARROWS).flatMap(arrowRules),
    {
      name: 'by-package-name',
      comment: 'another package is imported by its name or a declared subpath, never by its files',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/', pathNot: '^packages/$1/', dependencyTypesNot: ['aliased'] },
    },
    {
      name: 'by-package-name',
      comment: 'what crosses packages imports them by name, never by their files',
      from: { path: '^(test|examples)/' },
      to: { path: '^packages/', dependencyTypesNot: ['aliased'] },
    },
    {
      name: 'sources-alone',
      comment: 'sources import no tests, no examples and nothing of the workspace around them',
      from: { path: '^packages/[^/]+/src/' },
      to: { dependencyTypes: ['local'], pathNot: '^packages/[^/]+/src/' },
    },
    {
      name: 'resolvable',
      comment: 'an undeclared subpath of a package, or a dependency that is not there',
      from: { path: '^packages/[^/]+/src/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'resolvable',
      comment: 'an undeclared subpath of a package, or a file that is not there',
      from: { path: ['^(test|examples)/', '^packages/[^/]+/test/'] },
      // Tests may bring libraries of their own, installed when they run.
      to: { couldNotResolve: true, path: '^(\\.|@projected-token/|projected-token)' },
    },
    {
      name: 'no-cycles',
      comment: 'files of a package build a ladder, not a ring',
      from: { path: '^packages/[^/]+/src/' },
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: "every source is reached from an entry of its package's package.json",
      from: { path: entryPatterns },
      to: { path: '^packages/[^/]+/src/', pathNot: entryPatterns, reachable: false },
    },
  ]
}
