import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

/** A small piece of the matrix, so that it cannot rot between its own runs: `npm run test:faults` is all of it. */

const PROGRAM = fileURLToPath(new URL('./run.mjs', import.meta.url))
const BUILT = fileURLToPath(new URL('../../packages/sidecar/dist/main.js', import.meta.url))
const CANNOT = process.platform !== 'linux' || !existsSync(BUILT)
const WHY = 'needs Linux, and the packages built (npm run build)'
const ATOMIC_SWAP = ['--only', 'atomic swap', '--vault', 'stand-in', '--json']

interface Cell {
  adapter: string
  outcome: string
  seen: string
}

function runMatrix(...args: string[]): Promise<{ exitCode: number; cells: Cell[]; stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [PROGRAM, ...args], (error, stdout, stderr) => {
      const exitCode = error ? Number(error.code) : 0
      if (Number.isNaN(exitCode) || stdout === '') reject(new Error(stderr, { cause: error }))
      else resolve({ exitCode, cells: JSON.parse(stdout), stderr })
    })
  })
}

describe('the matrix of faults', () => {
  it('finds that adapters serve the new token after a swap, and says so', { timeout: 300_000 }, async ({
    skip,
  }) => {
    skip(CANNOT, WHY)
    const { exitCode, cells, stderr } = await runMatrix(
      ...ATOMIC_SWAP,
      '--adapter',
      'fetch',
      '--adapter',
      'sink',
    )
    expect(
      cells.map(({ adapter, outcome }) => [adapter, outcome]),
      stderr,
    ).toEqual([
      ['fetch', 'good'],
      ['sink', 'good'],
    ])
    expect(exitCode).toBe(0)
  })

  it('finds out a program that reads the token once', { timeout: 300_000 }, async ({ skip }) => {
    skip(CANNOT, WHY)
    const { cells } = await runMatrix(...ATOMIC_SWAP, '--adapter', 'once', '--patience', '1')
    expect(cells).toMatchObject([{ adapter: 'once', outcome: 'different' }])
    expect(cells[0]?.seen).toBe('old; does not recover')
  })

  it('refuses what it does not know', { timeout: 300_000 }, async () => {
    await expect(runMatrix('--adapter', 'unknown')).rejects.toThrow("'unknown' is no adapter")
    await expect(runMatrix('--only', 'no such fault')).rejects.toThrow('No fault is named so')
  })
})
