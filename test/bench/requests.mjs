/** What the adapters take from the requests a second. */
import path from 'node:path'
import { startChild, withChildren } from './support/child.mjs'
import { atLeast, count, ratio } from './support/format.mjs'
import { median, rotate } from './support/statistics.mjs'
import { createJwt } from './support/token.mjs'
import { withVolumes, writeVolume } from './support/volume.mjs'

const GOAL = 0.97
/** How an engine lays out and compiles a program varies from process to process: several are measured. */
const PROCESSES = 5
const BLOCKS = 4
const BLOCK_SECONDS = 0.5
/** First and last place are shared fairly within a block of four: what drifts hits both sides alike. */
const ABBA = ['bare', 'adapter', 'adapter', 'bare']
const CLIENTS = ['fetch', 'undici']

export const requests = {
  name: 'requests',
  about: 'requests a second with an adapter ÷ with a static header',
  async run({ quick, progress }) {
    const [processes, blocks] = quick ? [1, 2] : [PROCESSES, BLOCKS]
    const results = Object.fromEntries(CLIENTS.map((name) => [name, []]))
    await withVolumes(async (directory) => {
      writeVolume(directory, createJwt())
      const file = path.join(directory, 'token')
      for (let index = 0; index < processes; index++) {
        progress(`process ${index} of ${processes}`)
        await measureInNewProcesses(file, rotate(CLIENTS, index), blocks, results)
      }
    })
    return report(results, processes * blocks)
  },
}

function measureInNewProcesses(file, names, blocks, results) {
  const starts = ['http-server.mjs', 'http-client.mjs'].map((program) => () => startChild(program))
  return withChildren(starts, async (server, client) => {
    const origin = await server.call('listen')
    await client.call('prepare', { origin, file })
    for (const name of names) results[name].push(...(await measure(client, name, blocks)))
  })
}

async function measure(client, name, blocks) {
  const load = (side, requests) => client.call('load', { side: `${name} ${side}`, requests })
  let perSecond = 4_000
  for (const side of ABBA) ({ perSecond } = await load(side, Math.ceil(perSecond * BLOCK_SECONDS))) // warms up
  const requests = Math.ceil(perSecond * BLOCK_SECONDS)
  const results = []
  for (let block = 0; block < blocks; block++) {
    const sides = { bare: [], adapter: [] }
    for (const side of ABBA) sides[side].push(await load(side, requests))
    results.push(sides)
  }
  return results
}

function report(results, blocks) {
  const all = (name, side, field) => results[name].flatMap((block) => block[side].map((each) => each[field]))
  const sum = (block, side, field) => block[side].reduce((total, each) => total + each[field], 0)
  const ratioOf = (name, field) =>
    median(results[name].map((block) => sum(block, 'adapter', field) / sum(block, 'bare', field)))
  const micros = (name, side) => median(all(name, side, 'cpuMicros')).toFixed(1)
  return {
    rows: CLIENTS.map((name) => {
      const measured = ratioOf(name, 'perSecond')
      return {
        metric: `requests a second, ${name}`,
        ours: count(median(all(name, 'adapter', 'perSecond'))),
        baseline: `a static header ${count(median(all(name, 'bare', 'perSecond')))}`,
        ratio: ratio(measured, 3),
        goal: `≥ ${GOAL}`,
        result: atLeast(measured, GOAL),
      }
    }),
    notes: [
      `requests: ${blocks} ABBA blocks of about ${4 * BLOCK_SECONDS} s, in several processes; the ratio is their median; 16 at a time over keep-alive to a server process that does nothing else. ${CLIENTS.map(
        (name) =>
          `${name}: ${micros(name, 'adapter')} µs of the client's processor a request, ${micros(name, 'bare')} with a static header`,
      ).join('; ')}.`,
    ],
    data: results,
  }
}
