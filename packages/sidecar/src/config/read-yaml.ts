import { isAlias, isCollection, isMap, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import { containsSecret } from '../log/secret-patterns.js'
import type { ConfigPath, ReadResult } from './raw-config.js'
import { isDeeperThan } from './yaml-depth.js'

/** Far more than any configuration needs: a file of this size is something else. */
export const MAX_CONFIG_BYTES = 1_048_576
/** How often anchors may be used in all, with what they hold: a few lines can stand for gigabytes. */
const MAX_ALIAS_COUNT = 100
/** Deeper than the configuration goes. The parser recurses, and some depths end the process, not the parse. */
const MAX_DEPTH = 32

/** What follows the first few is most often their consequence. */
const MAX_FAULTS = 20

/** Reads one YAML 1.2 document, remembering lines and columns. */
export function readYaml(text: string, fileName: string): ReadResult {
  const fail = (place: string, found: string, expected: string): ReadResult => ({
    problems: [{ location: `${fileName}${place}`, path: '', found, expected }],
  })
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) {
    return fail('', `more than ${MAX_CONFIG_BYTES} bytes`, 'a configuration')
  }
  if (isDeeperThan(text, MAX_DEPTH)) return fail('', `more than ${MAX_DEPTH} levels`, 'a flat configuration')
  const lineCounter = new LineCounter()
  const at = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset)
    return `:${Math.max(1, line)}:${Math.max(1, col)}`
  }
  try {
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      strict: true,
      stringKeys: true,
      uniqueKeys: true,
      prettyErrors: false,
      // With 'silent', the parser would not say that there is a second document.
      logLevel: 'error',
      lineCounter,
    })
    const faults = [...document.errors, ...document.warnings]
    if (faults.length > 0) {
      return {
        problems: faults.slice(0, MAX_FAULTS).map((fault) => ({
          location: `${fileName}${at(fault.pos[0])}`,
          path: '',
          found: describeFault(fault.code, fault.message),
          expected: 'YAML 1.2, one document',
        })),
      }
    }
    const value = document.toJS({ maxAliasCount: MAX_ALIAS_COUNT }) ?? {}
    const root = document.contents as Node | null
    const resolve = (node: unknown) => (isAlias(node) ? node.resolve(document) : node)
    return {
      raw: {
        value,
        locate: (path, of = 'value') => `${fileName}${at(offsetOf(root, path, of, resolve))}`,
      },
    }
  } catch (error) {
    // Both are about what was read: too many aliases, or too many levels.
    if (error instanceof ReferenceError) return fail('', 'too many, or unknown, aliases', 'few anchors')
    if (error instanceof RangeError) return fail('', 'too many levels', 'a flat configuration')
    throw error
  }
}

/** The parser's words quote the text in few cases; then its code must do. */
function describeFault(code: string, message: string): string {
  const line = message.split('\n', 1)[0] ?? code
  const isSafe = line.length <= 160 && /^[\x20-\x7e]+$/.test(line) && !containsSecret(line)
  const quotesText =
    code === 'UNRESOLVED_ALIAS' || code === 'BAD_SCALAR_START' || code === 'TAG_RESOLVE_FAILED'
  return isSafe && !quotesText ? `a syntax error (${line})` : `a syntax error (${code})`
}

function offsetOf(
  root: Node | null,
  path: ConfigPath,
  of: 'key' | 'value',
  resolve: (node: unknown) => unknown,
): number {
  let node: unknown = root
  let offset = root?.range?.[0] ?? 0
  for (const [index, key] of path.entries()) {
    const collection = resolve(node)
    if (!isCollection(collection)) return offset
    const pair = isMap(collection) ? collection.items.find((item) => keyOf(item) === key) : undefined
    node = isMap(collection) ? pair?.value : collection.get(key, true)
    const isLast = index === path.length - 1
    const place = (pair && ((isLast && of === 'key') || !node) ? pair.key : node) as Node | undefined
    if (place?.range === undefined || place.range === null) return offset
    offset = place.range[0]
  }
  return offset
}

function keyOf(pair: Pair): unknown {
  return (pair.key as { value?: unknown } | null)?.value
}
