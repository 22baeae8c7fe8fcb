import { remark } from 'remark'
import remarkGfm from 'remark-gfm'
import remarkValidateLinks from 'remark-validate-links'
import { VFile } from 'vfile'
import { expect, it } from 'vitest'
import { readDocuments, root, walk } from './support/documents.js'

const documents = await readDocuments()

it('every link to a file or a heading of the repository leads to one', async () => {
  expect(await brokenLinks(documents.map(({ path, text }) => ({ path, text })))).toEqual([])
})

it('sees a link that leads nowhere', async () => {
  const text = [
    '# One',
    '[a](#two) [b](packages/core#no-such-heading) [c](packages/nothing) [d](packages/core/README.md#errors)',
    '![e](packages/core/docs/nothing.svg)',
  ].join('\n')
  const others = documents.filter(({ path }) => path !== 'README.md')
  const broken = await brokenLinks([...others, { path: 'README.md', text }])
  const places = broken.map((reason) => /`([^`]+)`/.exec(reason)?.[1])
  expect(places.sort()).toEqual([
    '#no-such-heading',
    '#two',
    'packages/core/docs/nothing.svg',
    'packages/nothing',
  ])
})

// Not asked for: a test that needs the network is no test of this project. The report lists them.
it.each(linksElsewhere())('the link to %s is https', (url) => {
  expect(new URL(url).protocol).toBe('https:')
})

/** remark-validate-links looks across files only within a set of files, as remark's command line has it. */
async function brokenLinks(texts: { path: string; text: string }[]): Promise<string[]> {
  const files = texts.map(({ path, text }) => new VFile({ cwd: root, path, value: text }))
  const completers = new Set<(set: object) => unknown>()
  const set = {
    use: (completer: (set: object) => unknown) => completers.add(completer),
    add: () => {}, // all are here
    valueOf: () => files,
  }
  for (const file of files) {
    const processor = remark()
      .use(remarkGfm)
      .use(remarkValidateLinks, { repository: false, root }, set as never)
    await processor.run(processor.parse(file), file)
  }
  for (const completer of completers) await completer(set)
  return files.flatMap(({ path, messages }) => messages.map(({ reason }) => `${path}: ${reason}`))
}

function linksElsewhere(): string[] {
  const nodes = documents.flatMap(({ tree }) => [...walk(tree)])
  const urls = nodes.flatMap((node) => ('url' in node && /^[a-z]+:/i.test(node.url) ? [node.url] : []))
  return [...new Set(urls)].sort()
}
