/** Pods that do nothing but live through rotations, all at the same time. */
import { until } from '../support/process.mjs'
import { runDoctors } from './doctor-runs.mjs'
import { startPodCase } from './pod-case.mjs'

export const ROTATING = [
  ...['founding-document', 'neither', 'run-as-user', 'fs-group', 'user-and-group'],
  ...['sub-path', 'nested-path', 'two-projections', 'changed-user', 'no-token', 'default-token'],
]
/** Each file's, at least. */
const ROTATIONS = 10
/** An API server takes a token for about a minute after its end: the naive get to see both. */
const LEAST_MS = 100_000
const TIMEOUT_MS = 300_000

/** @returns measurements by case; as `doctor` the answers of doctor-runs.mjs */
export async function runRotating(context) {
  const startedAtMs = performance.now()
  const cases = await Promise.all(ROTATING.map((name) => startPodCase(name, context)))
  context.note(`${cases.length} pods run, ${seconds(startedAtMs)} s`)
  await until(() => cases.every((each) => !each.hasFiles || each.rotations() >= ROTATIONS), {
    what: `not every pod has seen ${ROTATIONS} rotations`,
    timeoutMs: TIMEOUT_MS,
    giveUp: context.interrupted,
  })
  await until(() => performance.now() - startedAtMs > LEAST_MS, { what: 'time', giveUp: context.interrupted })
  const byName = Object.fromEntries(cases.map((each) => [each.name, each]))
  const results = { doctor: await runDoctors(byName, context) }
  for (const each of cases) {
    const doctor = await each.doctor()
    results[each.name] = { ...(await each.measureAtRest()), ...doctor }
  }
  results['default-token']['API server counts stale'] = await countStale(context.cluster)
  await Promise.all(cases.map((each) => each.remove()))
  return results
}

const seconds = (sinceMs) => ((performance.now() - sinceMs) / 1000).toFixed(0)

/** Uses of tokens past `warnafter`, by the API server's own count (pkg/serviceaccount/metrics.go). */
async function countStale({ client }) {
  const metrics = await client.must('GET', '/metrics')
  return Number(/^serviceaccount_stale_tokens_total (\S+)$/m.exec(metrics)?.[1] ?? 0)
}
