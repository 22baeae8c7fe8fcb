import { until } from '../support/process.mjs'
import { startPodCase } from './pod-case.mjs'

/** As a pod has it that must finish what it does; longer than a token lives here. */
const GRACE_SECONDS = 45

/** The pod is deleted, and takes its time to end: a kubelet renews no volume of a pod that ends (SyncTerminatingPod). */
export async function runPodEnding(context) {
  const { cluster, interrupted: giveUp } = context
  const pod = await startPodCase('pod-ending', context)
  await until(() => pod.rotations() > 0, { what: 'no rotation', giveUp })
  const before = pod.rotations()
  await cluster.client.remove('pods', 'pod-ending', GRACE_SECONDS)
  let measured
  let doctor
  await until(
    async () => {
      // The last before the pod's files are removed.
      const now = await pod.measure()
      if (now.mode !== 'gone') measured = now
      if (now.state === 'expired') doctor ??= await pod.doctor()
      return !(await cluster.client.exists('pods', 'pod-ending'))
    },
    { what: 'the pod does not end', giveUp },
  )
  await pod.remove()
  return { 'pod-ending': { ...measured, ...doctor, 'rotations while it ends': pod.rotations() - before } }
}
