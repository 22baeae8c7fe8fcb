import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { readDocument, readDocuments, root } from './support/documents.js'
import { readPublicCodes } from './support/public-codes.js'
import { codesIn, rowsUnder } from './support/tables.js'

const HEAD = ['code', 'what you see', 'why', 'what to do']
/** Node's own, which options that are wrong throw. */
const OF_NODE = ['ERR_INVALID_ARG_TYPE', 'ERR_OUT_OF_RANGE']

const packages = await readPublicCodes()
const readmeOf = (name: string) => readDocument(`packages/${name}/README.md`)
const allCodes = new Set([...packages.flatMap(({ own }) => [...own]), ...OF_NODE])
const sorted = (values: Iterable<string>) => [...values].sort()

describe.each(packages)('the README of $name', ({ name, own, exitCodes, findings }) => {
  it('says of each code what one sees, why, and what to do', async () => {
    const rows = rowsUnder(await readmeOf(name), ...HEAD)
    expect(sorted(rows.flatMap(({ codes }) => codes))).toEqual(sorted(own))
    for (const { place, cells } of rows) {
      expect(cells.length, place).toBe(HEAD.length)
      for (const cell of cells) expect(cell, place).not.toBe('')
    }
  })

  it('quotes messages as they are', async () => {
    const sources = await readSources(name)
    const quotes = rowsUnder(await readmeOf(name), ...HEAD).flatMap(({ place, cells: [, seen = ''] }) =>
      [...seen.matchAll(/"([^"]+)"/g)].flatMap(([, quote = '']) =>
        quote.split('…').flatMap((part) => (part.trim().length > 2 ? [`${place}: ${part.trim()}`] : [])),
      ),
    )
    expect(quotes.filter((quote) => !sources.includes(quote.replace(/^\S+: /, '')))).toEqual([])
  })

  it('tells of each exit code', async () => {
    const rows = rowsUnder(await readmeOf(name), 'exit code')
    expect(new Set(rows.flatMap(({ cells: [code = ''] }) => numbersIn(code)))).toEqual(exitCodes)
  })

  it('tells of each finding', async () => {
    const readme = await readmeOf(name)
    const found = rowsUnder(readme, 'code', 'severity')
    expect(new Set(found.flatMap(({ codes }) => codes))).toEqual(
      new Set([...findings.inspect, ...findings.doctor]),
    )
  })
})

it('the index of the root README has every code, at the README that explains it', async () => {
  const rows = rowsUnder(await readDocument('README.md'), 'codes', 'explained in')
  const index = rows.flatMap(({ cells: [codes = '', where] }) =>
    (codes.match(/ERR_\w+/g) ?? []).map((code) => `${code}: ${where}`),
  )
  const expected = packages.flatMap(({ name, own }) => [...own].map((code) => `${code}: ${name}`))
  expect(sorted(index)).toEqual(sorted(expected))
})

it('no document names a code that does not exist', async () => {
  const strangers = (await readDocuments()).flatMap((document) =>
    [...codesIn(document)].filter((code) => !allCodes.has(code)).map((code) => `${document.path}: ${code}`),
  )
  expect(strangers).toEqual([])
})

it('the API reports name no code that is missing here', async () => {
  const reported = new Set<string>()
  for (const { name } of packages) {
    const folder = path.join(root, 'packages', name, 'etc')
    const files = await readdir(folder).catch(() => [])
    for (const file of files) {
      const report = await readFile(path.join(folder, file), 'utf8')
      for (const code of report.match(/(?<=['"])ERR_\w+(?=['"])/g) ?? []) reported.add(code)
    }
  }
  expect(reported.size).toBeGreaterThan(30)
  expect([...reported].filter((code) => !allCodes.has(code))).toEqual([])
})

async function readSources(name: string): Promise<string> {
  const folder = path.join(root, 'packages', name, 'src')
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ts'))
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')))
  return texts.join('\n')
}

/** `125–127` and `1, 2, 64`; a row in words has none. */
function numbersIn(text: string): number[] {
  if (text.includes('+')) return []
  const range = /^(\d+)–(\d+)$/.exec(text)
  if (!range) return (text.match(/\b\d+\b/g) ?? []).map(Number)
  const [from, to] = [Number(range[1]), Number(range[2])]
  return Array.from({ length: to - from + 1 }, (_, at) => from + at)
}
