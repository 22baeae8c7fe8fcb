import { afterAll, beforeAll, expect, it } from 'vitest'
import { readDocuments } from './support/documents.js'
import { runProgram } from './support/run-program.js'
import { isProgram, type Snippet, snippetsOf } from './support/snippets.js'
import { SECRET, startWorld, type World } from './support/world.js'

interface Run {
  /** The README, and words of the snippet that no other one in it has. */
  readonly document: string
  readonly says: string
  /** What the README only describes. */
  readonly before?: string
  /** What shows that it works, and ends it. */
  readonly after?: string
  readonly prints: string | RegExp
  /** What servers were asked for with a good token. */
  readonly asks?: readonly string[]
}

const THINGS_CLIENT = `
const asIs = (bytes) => bytes
const method = (path, stream) => ({ path, requestStream: stream, responseStream: stream,
  requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs })
const ThingsClient = grpc.makeGenericClientConstructor(
  { get: method('/things.Things/Get', false), watch: method('/things.Things/Watch', true) }, 'Things')
const get = (client) => new Promise((resolve, reject) => {
  client.get(Buffer.alloc(0), (error, thing) => (error ? reject(error) : resolve(String(thing))))
})`

const RUNS: readonly Run[] = [
  {
    document: 'README.md',
    says: "token.on('overdue'",
    prints: /^200 \d{13}$/,
    asks: ['GET /v1/builds'],
  },
  {
    document: 'README.md',
    says: 'setGlobalDispatcher',
    after: "console.log((await fetch('https://api.example.internal/v1/builds')).status)",
    prints: '200',
    asks: ['GET /v1/builds'],
  },
  {
    document: 'README.md',
    says: 'new ThingsClient',
    before: THINGS_CLIENT,
    after: 'console.log(await get(things)); things.close()',
    prints: 'thing',
    asks: ['/things.Things/Get'],
  },
  {
    document: 'README.md',
    says: 'createVaultTokenProvider',
    after: 'console.log((await secret.json()).data.data.password)',
    prints: SECRET,
    asks: ['POST /v1/auth/kubernetes/login'],
  },
  {
    document: 'packages/core/README.md',
    says: 'const { token, expiresAtMs }',
    after: 'console.log(token.split(".").length, expiresAtMs > Date.now())',
    prints: '3 true',
  },
  {
    document: 'packages/core/README.md',
    says: 'createToken({',
    before: "const fromSomewhere = async () => 'opaque'",
    after: 'console.log((await provider.getToken()).token)',
    prints: 'opaque',
  },
  {
    document: 'packages/core/README.md',
    says: 'createTokenSink',
    after: `const { readFile } = await import('node:fs/promises')
console.log((await readFile('/run/out/token', 'utf8')) === token)`,
    prints: /written[\s\S]*true$/,
  },
  {
    document: 'packages/fetch/README.md',
    says: 'createAuthFetch',
    after: 'console.log(response.status)',
    prints: '200',
    asks: ['GET /v1/things'],
  },
  {
    document: 'packages/fetch/README.md',
    says: 'setGlobalDispatcher',
    after:
      "console.log((await fetch('https://api.example:8443/v1/things', { method: 'POST', body: 'a' })).status)",
    prints: '200',
    asks: ['POST /v1/things'],
  },
  {
    document: 'packages/grpc/README.md',
    says: 'const client = new ThingsClient',
    before: THINGS_CLIENT,
    after: 'console.log(await get(client)); client.close()',
    prints: 'thing',
    asks: ['/things.Things/Get'],
  },
  {
    document: 'packages/grpc/README.md',
    says: 'async function open()',
    before: `${THINGS_CLIENT}
let opened = 0
const report = (error) => { throw error }
const handle = (thing) => { console.log(String(thing)); if (++opened === 2) process.exit() }`,
    after: 'await open()',
    prints: 'thing\nthing',
  },
  {
    document: 'packages/vault/README.md',
    says: 'createVaultFetch(vault)',
    after: 'console.log((await response.json()).data.data.password)',
    prints: SECRET,
    asks: ['POST /v1/auth/kubernetes/login'],
  },
  {
    document: 'packages/vault/README.md',
    says: 'vault.status()',
    after: 'console.log(vault.status().state)',
    prints: 'valid',
  },
]

/** Programs that another test runs, or that have nothing to do. */
const NOT_RUN = [/from 'vitest'/, /^interface /m]

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.close())

const snippets = (await readDocuments()).flatMap(snippetsOf).filter(({ language }) => isProgram(language))
const isOf = (snippet: Snippet, { document, says }: Run) =>
  snippet.document === document && snippet.code.includes(says)

it.each(RUNS)(
  'the program of $document with "$says" does what it says',
  async (run) => {
    const found = snippets.filter((snippet) => isOf(snippet, run))
    expect(found.map(({ place }) => place)).toHaveLength(1)
    const [before, asked] = [run.before ?? '', world.accepted.length]
    const printed = await runProgram(`${before}\n${found[0]?.program}\n${run.after ?? ''}`, world)
    if (run.prints instanceof RegExp) expect(printed).toMatch(run.prints)
    else expect(printed).toBe(run.prints)
    if (run.asks) expect(world.accepted.slice(asked)).toEqual(run.asks)
    expect(world.refused).toEqual([])
  },
  180_000,
)

it('every program in a README is run here or by another test', () => {
  const left = snippets.filter(
    (snippet) =>
      !RUNS.some((run) => isOf(snippet, run)) && !NOT_RUN.some((pattern) => pattern.test(snippet.code)),
  )
  expect(left.map(({ place }) => place)).toEqual([])
})
