/** Rules on the text of one package's sources, by TypeScript's syntax tree. */
import { isBuiltin } from 'node:module'
import ts from 'typescript'

/** Behind an entry point of a package one file touches the file system, one the sockets, one the timers. */
const SINGLE_FILE_CONCERNS = {
  'one-file-for-fs': ['fs', 'fs/promises'],
  'one-file-for-sockets': ['http', 'https', 'http2', 'net', 'tls', 'dgram'],
  'one-file-for-timers': ['timers', 'timers/promises'],
}
const TIMER_FUNCTIONS = new Set(['setTimeout', 'setInterval', 'setImmediate'])
const MAX_LINES = 220

/** Judges one package: its folder, its package.json, and its sources as [{ path, text }]. */
export function checkSources({ folder, manifest, sources }) {
  const violations = []
  const report = (rule, where, message) => violations.push({ rule, where, message })
  const touching = Object.fromEntries(Object.keys(SINGLE_FILE_CONCERNS).map((rule) => [rule, []]))
  for (const { path, text } of sources) {
    const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
    for (const rule of concernsOf(tree)) touching[rule].push(path)
    if (path.endsWith('/index.ts') && !holdsNamedReexportsOnly(tree)) {
      report('index-reexports', path, 'holds named re-exports only')
    }
    for (const name of importedPackages(text)) {
      if (name in { ...manifest.dependencies, ...manifest.peerDependencies }) continue
      report('declared-dependency', path, `imports ${name}, which its package.json does not depend on`)
    }
  }
  for (const [rule, allPaths] of Object.entries(touching)) {
    for (const paths of Object.values(byEntry(allPaths, manifest))) {
      if (paths.length > 1) report(rule, folder, `at most one file may, but these do: ${paths.join(', ')}`)
    }
  }
  const strays = touching['one-file-for-timers'].filter((path) => path !== 'packages/core/src/clock.ts')
  if (folder === 'packages/core' && strays.length > 0) {
    report('core-timers-in-clock', strays[0], 'timers belong in clock.ts')
  }
  return { violations, warnings: sources.flatMap(tooLong) }
}

function byEntry(paths, manifest) {
  const groups = {}
  for (const path of paths) {
    const entry = entryOf(path, manifest)
    groups[entry] = [...(groups[entry] ?? []), path]
  }
  return groups
}

/** The entry point that a source belongs to: what lies in src/NAME/ belongs to the subpath ./NAME, if there is one. */
function entryOf(path, manifest) {
  const [, name] = /^packages\/[^/]+\/src\/([\w-]+)[/.]/.exec(path) ?? []
  return `./${name}` in (manifest.exports ?? {}) ? `./${name}` : '.'
}

/** What an import names: the package, whether a value or a type comes from it. */
function importedPackages(text) {
  const specifiers = ts.preProcessFile(text).importedFiles.map((file) => file.fileName)
  const bare = specifiers.filter((specifier) => !specifier.startsWith('.') && !isBuiltin(specifier))
  return new Set(bare.map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)[0]))
}

function tooLong({ path, text }) {
  const lines = text.trimEnd().split('\n').length
  return lines > MAX_LINES ? [{ rule: 'file-length', where: path, message: `${lines} lines` }] : []
}

function holdsNamedReexportsOnly(tree) {
  return tree.statements.every(
    (statement) =>
      ts.isExportDeclaration(statement) &&
      statement.moduleSpecifier !== undefined &&
      statement.exportClause !== undefined &&
      ts.isNamedExports(statement.exportClause),
  )
}

function concernsOf(tree) {
  const found = new Set()
  const visit = (node) => {
    const module = importedModule(node)
    for (const [rule, modules] of Object.entries(SINGLE_FILE_CONCERNS)) {
      if (module !== undefined && modules.includes(module.replace(/^node:/, ''))) found.add(rule)
    }
    if (usesTimer(node)) found.add('one-file-for-timers')
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

/** What a node loads at run time: `import`, `export from`, `import()`, `require()`. Types load nothing. */
function importedModule(node) {
  if (ts.isImportDeclaration(node) && !node.importClause?.isTypeOnly) return node.moduleSpecifier.text
  if (ts.isExportDeclaration(node) && !node.isTypeOnly) return node.moduleSpecifier?.text
  if (!ts.isCallExpression(node) || node.arguments.length === 0) return undefined
  const loads =
    node.expression.kind === ts.SyntaxKind.ImportKeyword || node.expression.getText() === 'require'
  return loads && ts.isStringLiteralLike(node.arguments[0]) ? node.arguments[0].text : undefined
}

/** Mentions count, not only calls: a timer function that is handed on is a timer too. */
function usesTimer(node) {
  if (ts.isPropertyAccessExpression(node)) {
    const text = node.getText()
    return (
      text === 'AbortSignal.timeout' ||
      (/^(globalThis|global)\./.test(text) && TIMER_FUNCTIONS.has(node.name.text))
    )
  }
  if (!ts.isIdentifier(node) || !TIMER_FUNCTIONS.has(node.text)) return false
  const isNameOfAProperty =
    (ts.isPropertyAccessExpression(node.parent) && node.parent.name === node) ||
    (ts.isPropertyAssignment(node.parent) && node.parent.name === node) ||
    ts.isTypeElement(node.parent) ||
    ts.isMethodDeclaration(node.parent)
  return !isNameOfAProperty
}
