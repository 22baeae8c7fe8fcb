import { until } from '../support/process.mjs'
import { startPodCase } from './pod-case.mjs'

const RESTARTS = 5
/** With the last of the tokens. */
const REQUESTS_AFTER = 40

/** Its manager keeps tokens in memory: a kubelet that starts asks for new ones, however young the old ones are. */
export async function runKubeletRestart(context) {
  const { cluster, server, interrupted: giveUp } = context
  const pod = await startPodCase('kubelet-restart', context)
  for (let restart = 0; restart < RESTARTS; restart++) {
    const before = pod.rotations()
    await cluster.stopKubelet()
    cluster.startKubelet()
    await until(() => pod.rotations() > before, {
      what: 'a kubelet that was started again does not rotate',
      giveUp,
    })
  }
  const { requests } = server.countsOf('kubelet-restart/sdk')
  await until(() => server.countsOf('kubelet-restart/sdk').requests >= requests + REQUESTS_AFTER, {
    ...{ what: 'no requests', giveUp },
  })
  const measured = await pod.measureAtRest()
  // `exec` needs the kubelet's server, which comes after the first rotation.
  const doctor = await until(() => pod.doctor(), { what: 'no doctor', giveUp })
  await pod.remove()
  return { 'kubelet-restart': { ...measured, ...doctor } }
}
