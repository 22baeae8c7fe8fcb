import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../support/process.mjs'
import { startPodCase } from './pod-case.mjs'

/** The API server knows a token that it has seen for 10 s before it looks at the pod again. */
const OBSERVED_MS = 25_000

/**
 * The pod is deleted by force while its kubelet is away, as it happens to a node that cannot be reached: the API knows
 * nothing of it any more, and its container goes on.
 */
export async function runPodDeleted(context) {
  const { cluster, server, interrupted: giveUp, note } = context
  const pod = await startPodCase('pod-deleted', context)
  const counts = () => server.countsOf('pod-deleted/sdk')
  await until(() => counts().requests >= 10, { what: 'no requests', giveUp })
  const doctor = await pod.doctor()
  const before = await pod.measure()
  await cluster.stopKubelet()
  await cluster.client.remove('pods', 'pod-deleted', 0)
  const deletedAtMs = performance.now()
  await until(() => counts().refused > 0, { what: 'its token is accepted', giveUp })
  note(`refused ${((performance.now() - deletedAtMs) / 1000).toFixed(1)} s after the deletion`)
  await delay(OBSERVED_MS)
  const measured = await pod.measure()
  const { calls } = server.reportOf('pod-deleted/sdk').counts
  cluster.startKubelet()
  await pod.remove()
  return {
    'pod-deleted': {
      ...{ ...measured, ...doctor },
      'refused until the deletion': before['sdk refused'],
      'requests beyond calls': measured['sdk sent'] - calls,
    },
  }
}
