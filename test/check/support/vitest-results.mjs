/** A vitest reporter: appends the counts of a run to the file that PROJECTED_TOKEN_RESULTS names. */
import { appendFileSync } from 'node:fs'

export default class VitestResults {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      // A file that cannot be loaded has no tests to count.
      counts.failed += module.errors().length
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        counts[state === 'pending' ? 'skipped' : state]++
      }
    }
    const file = process.env.PROJECTED_TOKEN_RESULTS
    if (file) appendFileSync(file, `${JSON.stringify({ suite: 'tests', ...counts })}\n`)
  }
}
