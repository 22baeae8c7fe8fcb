/** The codes that the packages give to users, by their sources: what is not a string there is no code. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import ts from 'typescript'
import { root } from './documents.js'

/** Whose a code is that others pass on or compare with. */
const OWNERS: readonly [prefix: string, owner: string][] = [
  ['ERR_TOKEN_', 'core'],
  ['ERR_WATCHER_', 'core'],
  ['ERR_SINK_', 'core'],
  ['ERR_FETCH_', 'fetch'],
  ['ERR_GRPC_', 'grpc'],
  ['ERR_VAULT_', 'vault'],
  ['ERR_FAKE_KUBELET_', 'testing'],
]

/** Node's and jose's own; ERR_UNKNOWN counts refusals within the demo. */
const FOREIGN = /^ERR_(INVALID_ARG_TYPE|OUT_OF_RANGE|HTTP2_\w*|TLS_|SSL_|OSSL_|JWT_EXPIRED|UNKNOWN)$/

export interface PackageCodes {
  /** Its folder below packages/. */
  readonly name: string
  readonly own: ReadonlySet<string>
  readonly exitCodes: ReadonlySet<number>
  /** Findings of `inspect` and `doctor`, as their README's tables have them. */
  readonly findings: { readonly inspect: ReadonlySet<string>; readonly doctor: ReadonlySet<string> }
}

export async function readPublicCodes(): Promise<PackageCodes[]> {
  const names = (await readdir(path.join(root, 'packages'))).sort()
  return Promise.all(names.map(readCodes))
}

async function readCodes(name: string): Promise<PackageCodes> {
  const codes = { own: new Set<string>(), exitCodes: new Set<number>() }
  const findings = { inspect: new Set<string>(), doctor: new Set<string>() }
  const folder = path.join(root, 'packages', name, 'src')
  for (const file of await readdir(folder, { recursive: true })) {
    if (!file.endsWith('.ts')) continue
    const source = ts.createSourceFile(
      file,
      await readFile(path.join(folder, file), 'utf8'),
      ts.ScriptTarget.Latest,
    )
    for (const node of walkSource(source)) {
      if (isText(node) && /^ERR_[A-Z0-9_]+$/.test(node.text) && ownerOf(node.text, name) === name) {
        codes.own.add(node.text)
      }
      if (
        file === 'exit-codes.ts' &&
        ts.isPropertyAssignment(node) &&
        ts.isNumericLiteral(node.initializer)
      ) {
        codes.exitCodes.add(Number(node.initializer.text))
      }
      if (file === 'inspect/findings.ts') addAll(findings.inspect, firstArgument(node))
      if (file.startsWith('doctor/advice-on-')) addAll(findings.doctor, propertyName(node))
    }
  }
  return { name, ...codes, findings }
}

function ownerOf(code: string, found: string): string | undefined {
  if (FOREIGN.test(code)) return undefined
  return OWNERS.find(([prefix]) => code.startsWith(prefix))?.[1] ?? found
}

/** A string, or the name of a property in a table by codes. */
function isText(node: ts.Node): node is ts.StringLiteral | ts.NoSubstitutionTemplateLiteral | ts.Identifier {
  if (ts.isIdentifier(node)) return true
  return ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)
}

/** `error('CODE', …)` and `warning('CODE', …)`. */
function firstArgument(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression)) return undefined
  const [first] = node.arguments
  const isFinding = ['error', 'warning'].includes(node.expression.text)
  return isFinding && first && ts.isStringLiteral(first) ? first.text : undefined
}

function propertyName(node: ts.Node): string | undefined {
  return ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) ? node.name.text : undefined
}

function addAll(codes: Set<string>, found: string | undefined): void {
  if (found !== undefined && /^[A-Z][A-Z_]+$/.test(found)) codes.add(found)
}

function* walkSource(node: ts.Node): Generator<ts.Node> {
  yield node
  const children: ts.Node[] = []
  ts.forEachChild(node, (child) => {
    children.push(child)
  })
  for (const child of children) yield* walkSource(child)
}
