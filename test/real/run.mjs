import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `npm run test:real [-- FILTER…]`: real Kubernetes code and real servers. Arguments go to vitest. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const reporters = ['--reporter=verbose', '--reporter=./test/check/support/vitest-results.mjs']
const args = [vitest, 'run', '--config', 'test/real/vitest.config.ts', ...reporters, ...process.argv.slice(2)]
const { status, error } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
if (error) throw error
process.exitCode = status ?? 1
