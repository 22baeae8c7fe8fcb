/**
 * node sum-results.mjs FILE: adds up the lines { suite, passed, failed, skipped, failures? } that the suites appended
 * to FILE. Says again what failed, since a log of thousands of lines is read from its end, then prints one plain line;
 * exits with 1 unless all passed and some did.
 */
import { readFileSync } from 'node:fs'

/** Of each failure, so that the end of a log holds all of them. */
const maxLines = 8

const lines = readFileSync(process.argv[2], 'utf8').trim().split('\n').filter(Boolean)
const sum = { passed: 0, failed: 0, skipped: 0 }
for (const line of lines) {
  const { suite, failures = [], ...counts } = JSON.parse(line)
  for (const key of Object.keys(sum)) sum[key] += counts[key]
  for (const failure of failures) {
    const [first, ...rest] = failure.split('\n').slice(0, maxLines)
    console.log([`failed: ${suite}: ${first}`, ...rest.map((text) => `  ${text}`), ''].join('\n'))
  }
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1
