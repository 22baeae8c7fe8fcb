/** The Markdown files that users and contributors read, as syntax trees. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Nodes, Root } from 'mdast'
import { remark } from 'remark'
import remarkGfm from 'remark-gfm'

export const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Made by others, or by a build. */
const SKIPPED = new Set(['node_modules', 'dist', 'api-docs', 'etc', 'coverage'])

export interface Document {
  /** From the root of the workspace: `packages/core/README.md`. */
  readonly path: string
  readonly text: string
  readonly tree: Root
}

/** All of them, in order. */
export async function readDocuments(): Promise<Document[]> {
  const paths = (await markdownBelow('')).sort()
  return Promise.all(paths.map(readDocument))
}

export function readDocument(documentPath: string): Promise<Document> {
  const document = parsed.get(documentPath) ?? parse(documentPath)
  parsed.set(documentPath, document)
  return document
}

/** Parsing is most of what these tests do: once is enough. */
const parsed = new Map<string, Promise<Document>>()

async function parse(documentPath: string): Promise<Document> {
  const text = await readFile(path.join(root, documentPath), 'utf8')
  return { path: documentPath, text, tree: remark().use(remarkGfm).parse(text) }
}

/** A node and all below it, in the order of the text. */
export function* walk(node: Nodes): Generator<Nodes> {
  yield node
  if ('children' in node) for (const child of node.children) yield* walk(child)
}

export function textOf(node: Nodes): string {
  return [...walk(node)].map((each) => ('value' in each ? each.value : '')).join('')
}

async function markdownBelow(folder: string): Promise<string[]> {
  const entries = await readdir(path.join(root, folder), { withFileTypes: true })
  const found = await Promise.all(
    entries.map((entry) => {
      const below = path.posix.join(folder, entry.name)
      if (entry.isDirectory() && !entry.name.startsWith('.') && !SKIPPED.has(entry.name)) {
        return markdownBelow(below)
      }
      return entry.isFile() && entry.name.endsWith('.md') ? [below] : []
    }),
  )
  return found.flat()
}
