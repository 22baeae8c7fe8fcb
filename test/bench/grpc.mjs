/** What the credentials of our gRPC package take from the unary calls a second over TLS. */
import path from 'node:path'
import { startChild, withChildren } from './support/child.mjs'
import { atLeast, count, ratio } from './support/format.mjs'
import { median, rotate } from './support/statistics.mjs'
import { createJwt } from './support/token.mjs'
import { withVolumes, writeVolume } from './support/volume.mjs'

const GOAL = 0.97
/** How an engine lays out and compiles a program varies from process to process: several are measured. */
const PROCESSES = 5
const BLOCKS = 12
const BLOCK_SECONDS = 0.15
const SIDES = ['none', 'header', 'generator', 'ours', 'interceptor']

export const grpc = {
  name: 'grpc',
  about: 'gRPC calls a second with our credentials ÷ with the same header otherwise, and ÷ without',
  async run({ quick, progress }) {
    const [processes, blocks] = quick ? [1, 2] : [PROCESSES, BLOCKS]
    const results = []
    await withVolumes(async (directory) => {
      writeVolume(directory, createJwt())
      const file = path.join(directory, 'token')
      for (let index = 0; index < processes; index++) {
        progress(`process ${index} of ${processes}`)
        results.push(...(await measureInNewProcesses(file, rotate(SIDES, index), blocks)))
      }
    })
    return report(results)
  },
}

function measureInNewProcesses(file, sides, blocks) {
  const starts = ['grpc-server.mjs', 'grpc-client.mjs'].map((program) => () => startChild(program))
  return withChildren(starts, async (server, client) => {
    await client.call('prepare', { ...(await server.call('listen')), file })
    const load = (side, calls) => client.call('load', { side, calls })
    let perSecond = 1_000
    for (const side of [...sides, ...sides]) {
      ;({ perSecond } = await load(side, Math.ceil(perSecond * BLOCK_SECONDS))) // warms up
    }
    const calls = Math.ceil(perSecond * BLOCK_SECONDS)
    const results = []
    for (let block = 0; block < blocks; block++) {
      const measured = Object.fromEntries(sides.map((side) => [side, []]))
      // Forth and back: what drifts hits all sides alike.
      for (const side of [...sides, ...sides.toReversed()]) measured[side].push(await load(side, calls))
      results.push(measured)
    }
    return results
  })
}

function report(results) {
  const all = (side, field) => results.flatMap((block) => block[side].map((each) => each[field]))
  const sum = (block, side) => block[side].reduce((total, each) => total + each.perSecond, 0)
  const ratioOf = (side, base) => median(results.map((block) => sum(block, side) / sum(block, base)))
  const perSecond = (side) => count(median(all(side, 'perSecond')))
  const row = (metric, side, base, baseline, goal) => {
    const measured = ratioOf(side, base)
    return {
      metric,
      ours: perSecond(side),
      baseline: `${baseline} ${perSecond(base)}`,
      ratio: ratio(measured, 3),
      ...(goal ? { goal: `≥ ${GOAL}`, result: atLeast(measured, GOAL) } : {}),
    }
  }
  const cpu = SIDES.map((side) => `${side} ${median(all(side, 'cpuMicros')).toFixed(1)} µs`).join(', ')
  return {
    rows: [
      row('gRPC calls a second', 'ours', 'header', "the caller's header", true),
      row('gRPC calls a second', 'ours', 'generator', "grpc-js' own, static", true),
      row('gRPC calls a second', 'ours', 'none', 'no token', true),
      row('with our interceptor too', 'interceptor', 'none', 'no token', false),
    ],
    notes: [
      `grpc: ${results.length} blocks of about ${2 * SIDES.length * BLOCK_SECONDS} s, in several processes; the ratio is their median; unary calls, 16 at a time over one TLS connection each. The client's processor a call: ${cpu}. A header of a token's length costs by itself: with the caller's own the rate is ${ratio(ratioOf('header', 'none'), 3)} of that without.`,
    ],
    data: results,
  }
}
