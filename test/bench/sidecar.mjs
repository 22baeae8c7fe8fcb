/** What the sidecar costs while nobody asks, and how fast its token endpoint answers. */
import path from 'node:path'
import { startChild, withChildren } from './support/child.mjs'
import { atMost, count, megabytes, milliseconds, percent } from './support/format.mjs'
import { freePort, startSidecar } from './support/sidecar-process.mjs'
import { median } from './support/statistics.mjs'
import { createJwt } from './support/token.mjs'
import { withVolumes, writeVolume } from './support/volume.mjs'

const GOAL_BYTES = 60 * 1024 * 1024
const CONCURRENCY = 16
const SETTLE_MS = 5_000
const IDLE_MS = 20_000
/** What the container's entry point says too: less memory for a process with little to do. */
const EXEC_ARGV = ['--max-semi-space-size=1']

export const sidecar = {
  name: 'sidecar',
  about: 'memory and processor of the sidecar at rest; answers of its token endpoint',
  async run({ quick, progress }) {
    const rounds = quick ? 2 : 9
    return withVolumes(async (directory) => {
      writeVolume(directory, createJwt())
      const settings = {
        tokens: [{ name: 'api', path: path.join(directory, 'token') }],
        api: { listen: `127.0.0.1:${await freePort()}` },
        health: { listen: `127.0.0.1:${await freePort()}` },
      }
      const server = await startSidecar(settings, ({ api }) => api, EXEC_ARGV)
      try {
        progress('at rest')
        const rest = await measureRest(server, quick ? 1_000 : IDLE_MS)
        const start = () => startChild('sidecar-load.mjs')
        const answers = await withChildren([start], (client) =>
          measure(client, server, rounds, quick, progress),
        )
        return report(rest, answers, rounds)
      } finally {
        await server.close()
      }
    })
  },
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function measureRest(server, idleMs) {
  await wait(SETTLE_MS)
  const before = server.cpuSeconds()
  await wait(idleMs)
  const residentBytes = server.residentBytes()
  if (residentBytes === undefined) return undefined
  return { residentBytes, idle: (server.cpuSeconds() - before) / (idleMs / 1000) }
}

async function measure(client, { origin }, rounds, quick, progress) {
  const headers = { 'projected-token': 'true' }
  const load = (requests, concurrency) =>
    client.call('load', { origin, path: '/v1/token', headers, requests, concurrency })
  const results = []
  await load(quick ? 300 : 20_000, CONCURRENCY) // warms up
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round} of ${rounds}`)
    results.push(await load(quick ? 300 : 10_000, CONCURRENCY))
  }
  return results
}

function report(rest, answers, rounds) {
  const middle = (field) => median(answers.map((each) => each[field]))
  const atRest = [
    {
      metric: 'resident memory of the sidecar at rest',
      ours: megabytes(rest?.residentBytes ?? 0),
      goal: `≤ ${megabytes(GOAL_BYTES)}`,
      result: atMost(rest?.residentBytes ?? 0, GOAL_BYTES),
    },
    { metric: 'processor time of the sidecar at rest', ours: percent(rest?.idle ?? 0) },
  ]
  return {
    rows: [
      ...(rest === undefined ? [] : atRest),
      { metric: 'answers of the token endpoint a second', ours: count(middle('perSecond')) },
      { metric: 'one of them, 99 %', ours: milliseconds(middle('p99')) },
    ],
    notes: [
      `sidecar: one token, the token endpoint and the health listener, node ${EXEC_ARGV.join(' ')}; at rest: ${IDLE_MS / 1000} s, from ${SETTLE_MS / 1000} s after its start; answers: ${rounds} rounds, ${CONCURRENCY} at a time over kept connections.${rest === undefined ? ' Without /proc: no memory, no processor.' : ''}`,
    ],
    data: { rest, answers },
  }
}
