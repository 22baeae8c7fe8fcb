import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { checkArchitecture } from './check-architecture.mjs'

type Files = Record<string, string>

const library = (folder: string, subpaths = {}) => ({
  [`packages/${folder}/package.json`]: JSON.stringify({
    name: `@projected-token/${folder}`,
    exports: { '.': { import: './dist/index.js', require: './dist/index.cjs' }, ...subpaths },
    dependencies: { '@projected-token/core': '1', declared: '1' },
  }),
})

/** A small workspace that keeps every rule, close to them all. */
const lawful: Files = {
  '.gitignore': 'node_modules/\ncoverage/\n',
  'coverage/index.html': '',
  'examples/show.ts': "import { read } from '@projected-token/core'\nread()\n",
  'test/contract/contract.ts': "import { send } from '@projected-token/fetch/undici'\nsend()\n",
  ...library('core', { './sink': { import: './dist/sink.js', require: './dist/sink.cjs' } }),
  'packages/core/src/index.ts':
    "export { type Clock, now } from './clock.js'\nexport { read } from './read.js'\n",
  'packages/core/src/clock.ts': `
    export interface Clock { setTimeout(callback: () => void): void }
    export const now = (clock: Clock) => clock.setTimeout(() => setTimeout(() => {}, 1))
  `,
  'packages/core/src/read.ts': `
    import { readFile } from 'node:fs/promises'
    import 'declared'
    import { now } from './clock.js'
    import type { Size } from './stats.js'
    export const read = async (): Promise<Size> => (await readFile(String(now))).length
  `,
  'packages/core/src/stats.ts': "import type { Stats } from 'node:fs'\nexport type Size = Stats['size']\n",
  'packages/core/src/sink.ts': "export { write } from './sink/write.js'\n",
  'packages/core/src/sink/write.ts': `
    import { writeFile } from 'node:fs/promises'
    import { checkPath } from './check-path.js'
    export const write = (path: string) => writeFile(checkPath(path), '')
  `,
  'packages/core/src/sink/check-path.ts': 'export const checkPath = (path: string) => path\n',
  'packages/core/test/helper.ts': '',
  'packages/core/test/read.test.ts': `
    import { read } from '../src/read.js'
    import '@projected-token/testing'
    import './helper.js'
    read()
  `,
  ...library('fetch', { './undici': { import: './dist/undici.js', require: './dist/undici.cjs' } }),
  'packages/fetch/src/index.ts': "export { send } from './send.js'\n",
  'packages/fetch/src/undici.ts': "export { send } from './send.js'\n",
  'packages/fetch/src/send.ts': `
    import { request } from 'node:http'
    import { read } from '@projected-token/core'
    export const send = () => request(String(read()), { timeout: 1, setTimeout: 2 })
    setImmediate(send)
  `,
  ...library('testing'),
  'packages/testing/src/index.ts': "export { fake } from './fake.js'\n",
  'packages/testing/src/fake.ts': `
    import type { Clock } from '@projected-token/core'
    export const fake = {} as Clock
  `,
  'packages/cli/package.json': JSON.stringify({
    name: 'projected-token',
    bin: { x: './bin/x.js' },
    dependencies: { '@projected-token/fetch': '1' },
  }),
  'packages/cli/bin/x.js': "import '../dist/main.js'\n",
  'packages/cli/src/main.ts': "import { send } from '@projected-token/fetch'\nsend()\n",
  'node_modules/declared/package.json': JSON.stringify({ name: 'declared', exports: './index.js' }),
  'node_modules/declared/index.js': '',
  'node_modules/undeclared/package.json': JSON.stringify({ name: 'undeclared', exports: './index.js' }),
  'node_modules/undeclared/index.js': '',
}

const manyLines = 'export const line = 1\n'.repeat(221)
const installScript = JSON.stringify({
  name: '@projected-token/other',
  scripts: { postinstall: 'node x.js' },
})

/** One breach each: the file that commits it, and what it adds to that file. */
const breaches: [rule: string, what: string, file: string, text: string][] = [
  [
    'package-arrows',
    'core imports another package',
    'packages/core/src/read.ts',
    "import '@projected-token/testing'",
  ],
  [
    'package-arrows',
    'fetch imports testing',
    'packages/fetch/src/send.ts',
    "import '@projected-token/testing'",
  ],
  [
    'types-only',
    'testing imports values of core',
    'packages/testing/src/fake.ts',
    "import '@projected-token/core'",
  ],
  ['known-package', 'a package has no arrows', 'packages/other/package.json', '{}'],
  [
    'by-package-name',
    'a source imports files of another',
    'packages/fetch/src/send.ts',
    "import '../../core/src/read.js'",
  ],
  ['by-package-name', 'its test does', 'packages/fetch/test/a.test.ts', "import '../../core/src/read.js'"],
  ['by-package-name', 'a shared test does', 'test/a.test.ts', "import '../packages/core/src/read.js'"],
  ['by-package-name', 'an example does', 'examples/show.ts', "import '../packages/core/src/read.js'"],
  ['sources-alone', 'a source imports a test', 'packages/core/src/read.ts', "import '../test/helper.js'"],
  [
    'resolvable',
    'a subpath is not declared',
    'packages/fetch/src/send.ts',
    "import '@projected-token/core/src/read.js'",
  ],
  ['declared-dependency', 'a dependency is not declared', 'packages/core/src/read.ts', "import 'undeclared'"],
  ['no-cycles', 'two files import one another', 'packages/core/src/clock.ts', "import './read.js'"],
  ['no-cycles', 'types go round', 'packages/core/src/stats.ts', "export type { read } from './read.js'"],
  ['no-orphans', 'no entry leads to a file', 'packages/core/src/forgotten.ts', 'export const forgotten = 1'],
  [
    'index-reexports',
    'an index exports everything',
    'packages/fetch/src/index.ts',
    "export * from './send.js'",
  ],
  ['index-reexports', 'an index holds code', 'packages/fetch/src/index.ts', 'export const code = 1'],
  ['one-file-for-fs', 'a second file reads files', 'packages/core/src/clock.ts', "import 'fs'"],
  [
    'one-file-for-fs',
    'a second file behind a subpath reads files',
    'packages/core/src/sink/check-path.ts',
    "import 'fs'",
  ],
  [
    'one-file-for-fs',
    'a file in a folder that is no subpath reads files',
    'packages/core/src/more/more.ts',
    "import 'fs'",
  ],
  [
    'one-file-for-sockets',
    'a second file connects',
    'packages/fetch/src/index.ts',
    "await import('node:tls')",
  ],
  [
    'one-file-for-timers',
    'a second file sets timers',
    'packages/fetch/src/index.ts',
    'globalThis.setTimeout(read, 1)',
  ],
  [
    'one-file-for-timers',
    'a timer hides in a signal',
    'packages/fetch/src/index.ts',
    'AbortSignal.timeout(1)',
  ],
  ['core-timers-in-clock', "core's timers move", 'packages/core/src/read.ts', 'setInterval(read, 1)'],
  ['file-length', 'a source grows too long', 'packages/cli/src/main.ts', manyLines],
  ['top-level-folders', 'another top-level folder appears', 'scripts/release.mjs', ''],
  ['no-install-scripts', 'installing runs a script', 'packages/other/package.json', installScript],
]

const temporary: string[] = []
afterEach(() => Promise.all(temporary.splice(0).map((folder) => rm(folder, { recursive: true }))))

async function judge(files: Files) {
  const root = await mkdtemp(path.join(tmpdir(), 'projected-token-architecture-'))
  temporary.push(root)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.join(root, path.dirname(name)), { recursive: true })
    await writeFile(path.join(root, name), text)
  }
  return checkArchitecture(root)
}

describe('the architecture', () => {
  it('is kept by this workspace', async () => {
    const { violations } = await checkArchitecture(fileURLToPath(new URL('../..', import.meta.url)))
    expect(violations).toEqual([])
  })

  it('is kept by a workspace that stays just inside every rule', async () => {
    expect(await judge(lawful)).toEqual({ violations: [], warnings: [] })
  })

  it.each(breaches)('%s: noticed when %s', async (rule, _what, file, text) => {
    const { violations, warnings } = await judge({ ...lawful, [file]: `${lawful[file] ?? ''}${text}\n` })
    expect([...violations, ...warnings].map((finding) => finding.rule)).toContain(rule)
  })
})
