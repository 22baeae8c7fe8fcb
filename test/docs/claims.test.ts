import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseConfig } from '@projected-token/sidecar'
import { describe, expect, it } from 'vitest'
import { readDocument, readDocuments, root } from './support/documents.js'
import { snippetsOf } from './support/snippets.js'
import { rowsUnder } from './support/tables.js'

const readText = (file: string) => readFile(path.join(root, file), 'utf8')
const documents = await readDocuments()

describe('a command in a document exists:', () => {
  it('scripts of npm', async () => {
    const { scripts } = JSON.parse(await readText('package.json')) as { scripts: Record<string, string> }
    expect(missing(/npm run (?:--silent )?([a-z][\w:-]*)/g, new Set(Object.keys(scripts)))).toEqual([])
  })

  it('benchmarks', async () => {
    const names = [...(await readText('test/bench/run.mjs')).matchAll(/from '\.\/([\w-]+)\.mjs'/g)]
    expect(missing(/--only ([a-z][\w,-]*)/g, new Set(names.map(([, name = '']) => name)))).toEqual([])
  })

  function missing(pattern: RegExp, known: ReadonlySet<string>): string[] {
    return documents.flatMap(({ path: document, text }) =>
      [...text.matchAll(pattern)]
        .flatMap(([, names = '']) => names.split(','))
        .filter((name) => !known.has(name))
        .map((name) => `${document}: ${name}`),
    )
  }
})

it("the numbers of the root README are those of the packages' READMEs", async () => {
  const rows = rowsUnder(await readDocument('README.md'), 'measured', 'ours')
  expect(rows.length).toBeGreaterThan(5)
  const strangers: string[] = []
  for (const { place, cells } of rows) {
    const [what, ours = '', beside = '', , name] = cells
    const readme = await readText(`packages/${name}/README.md`)
    for (const number of `${ours} ${beside}`.match(/\d[\d.,]*(?: (?:ms|ns|s|KB|MB)\b)?/g) ?? []) {
      if (!readme.includes(number)) strangers.push(`${place}: ${what}: ${number}`)
    }
  }
  expect(strangers).toEqual([])
})

describe('versions in the root README are those that are tested:', () => {
  it.each([
    ['undici', 'package-lock.json', ['undici-6', 'undici', 'undici-8'].map(lockedAt)],
    ['@grpc/grpc-js', 'package-lock.json', [lockedAt('@grpc/grpc-js')]],
    ['@connectrpc/connect-node', 'package-lock.json', [lockedAt('@connectrpc/connect-node')]],
    ['Kubernetes', 'test/real/kube/go.mod', [/k8s\.io\/kubernetes v([\d.]+)/]],
    ['Vault', 'test/real/vault/go.mod', [/hashicorp\/vault v([\d.]+)/]],
    ['TypeScript', 'test/check/consumer-types.mjs', [/typescript: '([\d.]+)'/g]],
    ['Node', 'test/check/consumer.mjs', [/'(\d[\d.]*)'/g]],
  ])('%s', async (name, file, patterns) => {
    const [row] = rowsUnder(await readDocument('README.md'), '', 'tested with').filter(
      ({ cells }) => cells[0] === name,
    )
    const text = await readText(file)
    const tested = patterns.flatMap((pattern) =>
      [...text.matchAll(new RegExp(pattern, 'g'))].map(([, version = '']) => version),
    )
    expect(tested.length).toBeGreaterThan(0)
    for (const version of tested) expect(row?.cells[1]).toContain(version.replace(/^20\.19\.0$/, '20.19'))
  })

  function lockedAt(name: string): RegExp {
    return new RegExp(
      `"node_modules/${name.replace('/', '\\/')}": \\{\\s+(?:"name": "[^"]+",\\s+)?"version": "([\\d.]+)"`,
    )
  }
})

it('configurations in the README of the sidecar can be used', async () => {
  const snippets = snippetsOf(await readDocument('packages/sidecar/README.md'))
  const configurations = snippets.filter(({ language }) => language === 'yaml')
  expect(configurations.length).toBeGreaterThan(0)
  for (const { place, code } of configurations) expect(() => parseConfig(code, place)).not.toThrow()
})
