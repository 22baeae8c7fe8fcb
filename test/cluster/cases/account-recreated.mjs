import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../support/process.mjs'
import { startPodCase } from './pod-case.mjs'

const NAME = 'account-recreated'
/** Of the account that its pod names. */
const ACCOUNT = { metadata: { name: 'recreated' } }
const OBSERVED_MS = 5_000

/** The account is deleted and made again under the same name: it is another one, and its tokens are others. */
export async function runAccountRecreated(context) {
  const { cluster, server, interrupted: giveUp, note } = context
  await cluster.client.create('serviceaccounts', ACCOUNT)
  const pod = await startPodCase(NAME, context)
  await until(() => accepted('sdk') >= 5 && accepted('once') >= 2, { what: 'no accepted request', giveUp })
  const recreatedAtMs = performance.now()
  await cluster.client.remove('serviceaccounts', ACCOUNT.metadata.name)
  await cluster.client.create('serviceaccounts', ACCOUNT)
  await until(() => server.countsOf(`${NAME}/sdk`).refused > 0, { what: 'the old token is accepted', giveUp })
  note(`refused ${seconds(recreatedAtMs)} s after the account was made again`)
  const doctor = await pod.doctor()
  const before = accepted('sdk')
  await until(() => pod.rotations() > 0 && accepted('sdk') > before, { what: 'no new token', giveUp })
  note(`accepted again ${seconds(recreatedAtMs)} s after it`)
  const refused = () => server.countsOf(`${NAME}/sdk`).refused
  const [refusedThen, onceThen] = [refused(), accepted('once')]
  await delay(OBSERVED_MS)
  const measured = await pod.measureAtRest()
  await pod.remove()
  return {
    [NAME]: {
      ...{ ...measured, ...doctor },
      'accepted again': refused() === refusedThen,
      'once accepted again': accepted('once') > onceThen,
    },
  }

  function accepted(kind) {
    const { requests, refused: refusedSoFar } = server.countsOf(`${NAME}/${kind}`)
    return requests - refusedSoFar
  }
}

const seconds = (sinceMs) => ((performance.now() - sinceMs) / 1000).toFixed(1)
