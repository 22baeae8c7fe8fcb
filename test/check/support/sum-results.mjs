/**
 * node sum-results.mjs FILE: adds up the lines { suite, passed, failed, skipped } that the suites appended to FILE.
 * Prints one plain line; exits with 1 unless all passed and some did.
 */
import { readFileSync } from 'node:fs'

const lines = readFileSync(process.argv[2], 'utf8').trim().split('\n').filter(Boolean)
const sum = { passed: 0, failed: 0, skipped: 0 }
for (const line of lines) {
  const counts = JSON.parse(line)
  for (const key of Object.keys(sum)) sum[key] += counts[key]
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1
