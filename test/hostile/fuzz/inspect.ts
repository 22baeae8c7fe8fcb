import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from 'program:cli'
import { systemClock } from '@projected-token/core'
import * as fc from 'fast-check'
import { AUDIENCE, mutated, tokenBytesOfAnySize } from './arbitraries.js'
import { ensureDiscreet } from './oracles.js'
import { defineTarget, ensure } from './target.js'

interface Case {
  readonly content: Uint8Array
  readonly keys: Uint8Array | undefined
  readonly audience: boolean
  readonly form: 'lines' | 'terminal' | 'json'
}

const GOOD_KEYS = JSON.stringify({
  keys: [
    { kty: 'RSA', kid: 'k', alg: 'RS256', e: 'AQAB', n: `${'x'.repeat(341)}w` },
    { kty: 'EC', crv: 'P-256', x: 'a', y: 'b' },
  ],
})
const keys = fc.oneof(
  { weight: 3, arbitrary: mutated(fc.constant(Buffer.from(GOOD_KEYS))) },
  {
    weight: 1,
    arbitrary: fc.jsonValue({ maxDepth: 3 }).map((value) => Buffer.from(JSON.stringify({ keys: value }))),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('', '[]', '{"keys":[null,1,{}]}', '['.repeat(50_000))
      .map((text) => Buffer.from(text)),
  },
)
/** What colours a terminal. Every other control but the end of a line could move its cursor. */
const COLOUR = /\x1b\[\d{1,2}m/g
const CONTROL = /[\0-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/
/** Longer than what a file and its description have in common by chance. */
const PIECE = 40

export const inspectTarget = defineTarget<Case>({
  name: 'inspect',
  what: 'token files and key sets of any content, at `projected-token inspect`',
  share: 90,
  async open(scratch) {
    const path = join(scratch, 'token')
    const keysPath = join(scratch, 'jwks.json')
    return {
      arbitrary: fc.record({
        content: tokenBytesOfAnySize,
        keys: fc.option(keys, { nil: undefined, freq: 2 }),
        audience: fc.boolean(),
        form: fc.constantFrom('lines', 'terminal', 'json'),
      }),
      async check({ content, keys, audience, form }) {
        await writeFile(path, content)
        if (keys !== undefined) await writeFile(keysPath, keys)
        const { exitCode, stdout, stderr } = await runInspect(form, [
          path,
          ...(audience ? ['--audience', AUDIENCE] : []),
          ...(keys === undefined ? [] : ['--jwks', keysPath]),
          ...(form === 'json' ? ['--json'] : []),
        ])
        ensure(exitCode === 0 || exitCode === 1, `it is usable or not: ${exitCode}, ${stderr.slice(0, 500)}`)
        const all = stdout + stderr
        if (form === 'json' && stdout !== '') JSON.parse(stdout)
        const plain = form === 'terminal' ? all.replace(COLOUR, '') : all
        ensure(!CONTROL.test(plain), `nothing moves a cursor: ${JSON.stringify(CONTROL.exec(plain)?.[0])}`)
        ensureDiscreet(all, 'the output', 2_000_000)
        const text = Buffer.from(content).toString('latin1').trim()
        for (const [piece] of text.matchAll(/[\w.-]{40,}/g)) {
          ensure(!all.includes(piece.slice(0, PIECE)), `the output quotes no token: ${piece.slice(0, PIECE)}`)
        }
      },
      close: async () => {},
    }
  },
})

async function runInspect(form: Case['form'], argv: string[]) {
  const written = { stdout: '', stderr: '' }
  const output = (name: keyof typeof written) => ({
    isTTY: form === 'terminal',
    columns: 100,
    write(text: string) {
      written[name] += text
    },
  })
  const exitCode = await run(['inspect', ...argv], {
    stdout: output('stdout'),
    stderr: output('stderr'),
    env: {},
    clock: systemClock,
    signal: new AbortController().signal,
    takeSignals: () => () => {},
  })
  return { exitCode, ...written }
}
