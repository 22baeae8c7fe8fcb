import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'

const program = fileURLToPath(new URL('fuzz.mjs', import.meta.url))

/** So many that an idle machine takes a minute; no time ends it, so that a busy one just takes longer. */
const CASES = 14_000
/** The same cases each time: what is new is looked for by `npm run test:fuzz`. */
const SEED = 20_261_124

function fuzz(...args: string[]): Promise<{ exitCode: number | null; output: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  // The program's own child goes with it.
  onTestFinished(() => void child.kill('SIGTERM'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode) => resolve({ exitCode, output }))
  })
}

describe('hostile input', () => {
  it('crashes nothing, hangs nothing, and reaches no header', { timeout: 1_200_000 }, async () => {
    const { exitCode, output } = await fuzz('--cases', String(CASES), '--seed', String(SEED))
    expect(exitCode, output).toBe(0)
    expect(output).toContain(`seed ${SEED}`)
  })

  // Otherwise the first test would pass with a program that sees nothing.
  const found = {
    'planted-error': 'on purpose',
    'planted-rejection': 'nobody caught: Error: on purpose',
    'planted-secret': 'shows no piece of a signature',
    'planted-header': 'expected a header field, got',
    'planted-split': 'expected a header field, got',
    'planted-expired': 'no expired token is sent',
    'planted-leak': 'the heap has grown by',
  }

  it('is told of, with its seed, when it breaks something', { timeout: 1_200_000 }, async () => {
    const names = Object.keys(found)
    const { exitCode, output } = await fuzz('--only', names.join(), '--cases', '100000', '--seed', '1')
    expect(exitCode, output).toBe(1)
    for (const [name, what] of Object.entries(found)) {
      const [, told = ''] =
        new RegExp(`FAILED ${name}: (.*?)Again: --only ${name} --batch \\d+`, 's').exec(output) ?? []
      expect(told, output).toContain(what)
    }
  })

  it.each([
    ['planted-exit', 'CRASH: '],
    ['planted-hang', 'HANG: '],
    ['planted-loop', 'HANG: '],
  ])('is told of when it ends the process or stops it: %s', { timeout: 1_200_000 }, async (name, what) => {
    const { exitCode, output } = await fuzz('--only', name, '--hang', '5')
    expect(exitCode, output).toBe(1)
    expect(output).toContain(what)
    expect(output).toMatch(new RegExp(`--only ${name} --batch \\d+`))
  })
})
