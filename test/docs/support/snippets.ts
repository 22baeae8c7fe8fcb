/** The fenced code of a document. An HTML comment right before it says what it lacks to stand by itself. */
import type { Code, RootContent } from 'mdast'
import type { Document } from './documents.js'

export interface Snippet {
  /** Where: `packages/core/README.md:10`. */
  readonly place: string
  readonly document: string
  readonly language: string
  /** As it is printed. */
  readonly code: string
  /** With what it leaves out; see {@link readComment}. */
  readonly program: string
}

export function snippetsOf({ path, tree }: Document): Snippet[] {
  const snippets: Snippet[] = []
  for (const [code, comment] of codeIn(tree.children)) {
    const place = `${path}:${code.position?.start.line}`
    const { continues, given } = readComment(comment, place)
    const programs = snippets.filter(({ language }) => isProgram(language))
    const above = continues === undefined ? undefined : programs.at(continues)
    if (continues !== undefined && !above) throw new Error(`${place} continues a snippet that is not there`)
    snippets.push({
      place,
      document: path,
      language: code.lang ?? '',
      code: code.value,
      program: [above?.program, given, code.value].filter((part) => part !== undefined).join('\n'),
    })
  }
  return snippets
}

export function isProgram(language: string): boolean {
  return isTyped(language) || ['js', 'mjs'].includes(language)
}

export function isTyped(language: string): boolean {
  return ['ts', 'mts'].includes(language)
}

/** Also code in lists and quotes; each with the HTML right before it. */
function* codeIn(nodes: readonly RootContent[]): Generator<[code: Code, comment: string]> {
  let comment = ''
  for (const node of nodes) {
    if (node.type === 'code') yield [node, comment]
    else if ('children' in node) yield* codeIn(node.children as RootContent[])
    comment = node.type === 'html' ? node.value : ''
  }
}

/**
 * - `<!-- given: CODE -->`: that code comes before it;
 * - `<!-- continues -->`: the program above it does, and `<!-- continues: 1 -->` the first one of the document; more
 *   code may follow on further lines.
 */
function readComment(comment: string, place: string): { continues?: number; given?: string } {
  if (!/^<!--\s*(given|continues)/.test(comment)) return {}
  const [, continues, at, given] =
    /^<!-- (?:(continues)(?:: (\d+))?|given:)(?:\s([\s\S]*?))?\s*-->$/.exec(comment) ?? []
  if (continues === undefined && given === undefined) throw new Error(`${place}: found ${comment}`)
  return {
    ...(continues === undefined ? {} : { continues: at === undefined ? -1 : Number(at) - 1 }),
    ...(given === undefined || given === '' ? {} : { given }),
  }
}
