/** The tables of a document, by the words of their heads. */
import type { Table } from 'mdast'
import { type Document, textOf, walk } from './documents.js'

export interface Row {
  /** Where: `packages/core/README.md:65`. */
  readonly place: string
  readonly cells: readonly string[]
  /** What stands in the first cell as code. */
  readonly codes: readonly string[]
}

/** Rows of all tables whose head begins with these words. */
export function rowsUnder(document: Document, ...head: string[]): Row[] {
  return [...walk(document.tree)]
    .filter((node): node is Table => node.type === 'table')
    .filter(({ children: [first] }) =>
      head.every((word, at) => textOf(first?.children[at] ?? { type: 'text', value: '' }) === word),
    )
    .flatMap(({ children: [, ...rows] }) =>
      rows.map((row) => ({
        place: `${document.path}:${row.position?.start.line}`,
        cells: row.children.map(textOf),
        codes: row.children.slice(0, 1).flatMap((cell) => {
          return [...walk(cell)].flatMap((node) => (node.type === 'inlineCode' ? [node.value] : []))
        }),
      })),
    )
}

/** All words in a document's text and code that look like an error code. */
export function codesIn({ text }: Document): Set<string> {
  return new Set(text.match(/\bERR_[A-Z0-9_]*[A-Z0-9]\b(?!_?…)/g) ?? [])
}
