/** A vitest reporter: appends the counts of a run, and what failed, to the file that PROJECTED_TOKEN_RESULTS names. */
import { appendFileSync } from 'node:fs'

export default class VitestResults {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: 0, skipped: 0 }
    const failures = []
    const fail = (name, errors) => {
      counts.failed++
      failures.push([name, ...(errors ?? []).map((error) => error.message)].join('\n'))
    }
    for (const error of unhandledErrors) fail('an error outside of tests', [error])
    for (const module of modules) {
      // A file that cannot be loaded has no tests to count.
      for (const error of module.errors()) fail(module.relativeModuleId, [error])
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        if (state === 'failed') fail(`${module.relativeModuleId} > ${test.fullName}`, errors)
        else counts[state === 'pending' ? 'skipped' : state]++
      }
    }
    const file = process.env.PROJECTED_TOKEN_RESULTS
    if (file) appendFileSync(file, `${JSON.stringify({ suite: 'tests', ...counts, failures })}\n`)
  }
}
