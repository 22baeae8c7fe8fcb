import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../support/process.mjs'
import { startPodCase } from './pod-case.mjs'

/** So many calls come to nothing. */
const EXPIRED_MS = 8_000

/** TokenRequests are answered with 500 until the token on disk has expired, and then for a while. */
export async function runOutage(context) {
  const { cluster, interrupted: giveUp, note } = context
  const pod = await startPodCase('outage', context)
  await until(() => pod.rotations() > 0, { what: 'no rotation', giveUp })
  cluster.setOutage(true)
  await until(async () => (await pod.measure()).overdue, { what: 'nothing is overdue', giveUp })
  const overdue = await pod.doctor()
  await until(async () => (await pod.measure()).state === 'expired', { what: 'no expiry', giveUp })
  await delay(EXPIRED_MS)
  const meanwhile = await pod.measure()
  const doctor = await pod.doctor()
  cluster.setOutage(false)
  const endedAtMs = performance.now()
  const before = pod.rotations()
  await until(() => pod.rotations() > before, {
    ...{ what: 'the kubelet does not recover', timeoutMs: 240_000, giveUp },
  })
  note(`the kubelet wrote a token ${seconds(endedAtMs)} s after the outage`)
  const writtenAtMs = performance.now()
  await until(async () => (await pod.measure()).state === 'valid', { what: 'no recovery', giveUp })
  note(`the client had reported it ${seconds(writtenAtMs)} s later (it reports once a second)`)
  const measured = await pod.measureAtRest()
  await pod.remove()
  return {
    outage: {
      ...{ ...measured, ...doctor, 'state meanwhile': meanwhile.state },
      'doctor before expiry': overdue['doctor codes'],
    },
  }
}

const seconds = (sinceMs) => ((performance.now() - sinceMs) / 1000).toFixed(1)
