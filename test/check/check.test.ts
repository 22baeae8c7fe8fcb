import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const file = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'projected-token-check-'))
})
afterAll(() => rm(folder, { recursive: true }))

function node(args: string[], env = {}): Promise<{ code: number; lines: string[]; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { env: { ...process.env, ...env } }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, lines: stdout.trim().split('\n'), stderr }),
    )
  })
}

/** Runs stages that are given as source text, as test/check.mjs runs the real ones. */
async function runStages(stages: string, only: string[]) {
  const script = `
    import { runStages, StageFailure } from '${new URL('support/run-stages.mjs', import.meta.url)}'
    const ok = await runStages([${stages}], ${JSON.stringify(only)}, {})
    process.exitCode = ok ? 0 : 1
  `
  const results = path.join(folder, 'results')
  await writeFile(results, '')
  const ended = await node(['--input-type=module', '--eval', script], { PROJECTED_TOKEN_RESULTS: results })
  return { ...ended, results: JSON.parse(await readFile(results, 'utf8')) }
}

const good = "{ name: 'good', about: '', run() {} }"
const bad = "{ name: 'bad', about: '', run() { throw new StageFailure('what is wrong') } }"
const needing = (need: string) => `{ name: 'needing-${need}', about: '', needs: ['${need}'], run() {} }`

describe('npm run check', () => {
  it('goes on after a failed stage, skips what needs it, and fails', async () => {
    const { code, lines, results } = await runStages([bad, needing('bad'), good].join(), [
      'bad',
      'needing-bad',
      'good',
    ])
    expect(code).toBe(1)
    expect(lines).toContain('   what is wrong')
    expect(lines.at(-1)).toBe('1 passed, 1 failed, 1 skipped')
    const failures = ['bad\nwhat is wrong']
    expect(results).toEqual({ suite: 'check', passed: 1, failed: 1, skipped: 1, failures })
  })

  it('runs what a chosen stage needs, and nothing else', async () => {
    const { code, lines } = await runStages([bad, good, needing('good')].join(), ['needing-good'])
    expect(code).toBe(0)
    expect(lines.at(-1)).toBe('2 passed, 0 failed, 0 skipped')
  })

  it('counts a part that a stage could not check as skipped', async () => {
    const partly = "{ name: 'partly', about: '', run({ skip }) { skip('no such Node here') } }"
    const { lines } = await runStages(partly, ['partly'])
    expect(lines.at(-1)).toBe('1 passed, 0 failed, 1 skipped')
  })

  it('names the stages when it is asked for one that does not exist', async () => {
    const { code, stderr } = await node([file('../check.mjs'), '--only', 'nothing'])
    expect(code).toBe(2)
    expect(stderr).toContain('packaging')
  })
})

describe('the closing line', () => {
  const sum = async (...lines: object[]) => {
    const results = path.join(folder, 'sum')
    await writeFile(results, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    return node([file('support/sum-results.mjs'), results])
  }

  it('adds up what the suites reported', async () => {
    const tests = { suite: 'tests', passed: 40, failed: 0, skipped: 2 }
    const { code, lines } = await sum(tests, { suite: 'check', passed: 8, failed: 0, skipped: 1 })
    expect([code, lines]).toEqual([0, ['48 passed, 0 failed, 3 skipped']])
  })

  it('fails when one failed, and when nothing ran', async () => {
    expect((await sum({ suite: 'tests', passed: 40, failed: 1, skipped: 0 })).code).toBe(1)
    expect((await sum()).code).toBe(1)
  })

  it('comes after what failed, which a reader of the end of a long log needs', async () => {
    const failures = ['a.test.ts > keeps a token\nexpected 1 to be 2']
    const { lines } = await sum({ suite: 'tests', passed: 40, failed: 1, skipped: 0, failures })
    expect(lines).toEqual([
      'failed: tests: a.test.ts > keeps a token',
      '  expected 1 to be 2',
      '',
      '40 passed, 1 failed, 0 skipped',
    ])
  })
})
