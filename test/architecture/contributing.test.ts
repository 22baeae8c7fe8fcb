import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const document = readFileSync(new URL('CONTRIBUTING.md', root), 'utf8')
const [, section = ''] = /^## Where a rule lives$(.*?)^## /ms.exec(document) ?? []

/** The sources that a row names: of a package, in its second cell, and each by its path below `src`. */
function sourcesOf(row: string): string[] {
  const [, , name = '', places = ''] = row.split('|')
  const folder = `packages/${name.replaceAll(/[`\s]/g, '')}/src`
  return [...places.matchAll(/`([\w/-]+\.ts)`/g)].map(([, file]) => `${folder}/${file}`)
}

it('has every file that CONTRIBUTING.md says a rule lives in', () => {
  const named = section.split('\n').filter((line) => line.startsWith('| '))
  const sources = named.flatMap(sourcesOf)
  expect(sources.length).toBeGreaterThan(50)
  expect(sources.filter((source) => !existsSync(new URL(source, root)))).toEqual([])
})
