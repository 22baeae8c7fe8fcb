/** What a Vault provider does for many callers, and what its fetch takes from the reads a second. */
import path from 'node:path'
import { temporaryFolder } from '../check/support/temporary.mjs'
import { startChild, withChildren } from './support/child.mjs'
import { atLeast, atMost, count, milliseconds, ratio } from './support/format.mjs'
import { median } from './support/statistics.mjs'
import { createJwt } from './support/token.mjs'
import { loadRealServers } from './support/vault-modules.mjs'
import { withVolumes, writeVolume } from './support/volume.mjs'

const GOAL = 0.97
const CALLS = 10_000
/** How an engine lays out and compiles a program varies from process to process: several are measured. */
const PROCESSES = 5
const BLOCKS = 4
const BLOCK_SECONDS = 0.5
/** First and last place are shared fairly within a block: what drifts hits all sides alike. */
const ORDER = ['bare', 'adapter', 'request', 'request', 'adapter', 'bare']
const SIDES = ['bare', 'adapter', 'request']

export const vault = {
  name: 'vault',
  about: 'logins of a cold Vault provider; secrets a second through createVaultFetch',
  async run({ quick, progress }) {
    const [processes, blocks] = quick ? [1, 2] : [PROCESSES, BLOCKS]
    const colds = []
    const results = []
    await withVolumes(async (directory) => {
      writeVolume(directory, createJwt())
      const file = path.join(directory, 'token')
      for (let index = 0; index < processes; index++) {
        progress(`process ${index} of ${processes}`)
        const { cold, reads } = await measureInNewProcesses(file, blocks)
        colds.push(cold)
        results.push(...reads)
      }
    })
    progress('starting Vault')
    const real = await measureRealVault(processes, blocks, progress)
    return report(colds, results, real)
  },
}

function measureInNewProcesses(file, blocks) {
  const starts = ['vault-server.mjs', 'vault-client.mjs'].map((program) => () => startChild(program))
  return withChildren(starts, async (server, client) => {
    const { address } = await server.call('listen')
    const cold = await client.call('cold', { address, file, calls: CALLS })
    await client.call('prepare', { address })
    const reads = await measure(client, blocks)
    return { cold: { ...cold, logins: await server.call('logins') }, reads }
  })
}

/** @returns { version, results }, or { reason } where there is no Vault */
async function measureRealVault(processes, blocks, progress) {
  const { buildKube, buildVault, startKube, startVault } = await loadRealServers()
  try {
    await Promise.all([buildVault(), buildKube()])
  } catch (error) {
    return { reason: error.message.split('\n')[0] }
  }
  const kube = await startKube()
  let real
  try {
    const volume = await kube.createVolume({ directory: await temporaryFolder('vault-volume') })
    real = await startVault()
    await real.enableKubernetesAuth({ kubernetesHost: kube.url, roles: { app: {} } })
    await real.putSecret('app', { username: 'app', password: 'correct horse battery staple' })
    const { address } = real
    const results = []
    for (let index = 0; index < processes; index++) {
      progress(`a real Vault, process ${index} of ${processes}`)
      await withChildren([() => startChild('vault-client.mjs')], async (client) => {
        await client.call('cold', { address, file: volume.path, calls: 1 })
        await client.call('prepare', { address })
        results.push(...(await measure(client, blocks)))
      })
    }
    return { version: (await real.request('GET', 'sys/health')).body.version, results }
  } finally {
    await real?.close()
    await kube.close()
  }
}

async function measure(client, blocks) {
  const counts = {}
  for (const round of [0, 1]) {
    for (const side of SIDES) {
      const reads = round === 0 ? 2_000 : counts[side]
      const { perSecond } = await client.call('load', { side, reads }) // warms up
      counts[side] = Math.ceil(perSecond * BLOCK_SECONDS)
    }
  }
  // As many on either side of the comparison.
  counts.adapter = counts.bare
  const results = []
  for (let block = 0; block < blocks; block++) {
    const sides = { bare: [], adapter: [], request: [] }
    for (const side of ORDER) sides[side].push(await client.call('load', { side, reads: counts[side] }))
    results.push(sides)
  }
  return results
}

function summarise(results) {
  const all = (side, field) => results.flatMap((block) => block[side].map((each) => each[field]))
  const sum = (sides, field) => sides.reduce((total, each) => total + each[field], 0)
  const against = (side, field) =>
    median(results.map((block) => sum(block.adapter, field) / sum(block[side], field)))
  return {
    against: (side) => against(side, 'perSecond'),
    perSecond: (side) => count(median(all(side, 'perSecond'))),
    micros: (side) => `${median(all(side, 'cpuMicros')).toFixed(1)} µs`,
  }
}

function readRows(metric, results) {
  const { against, perSecond } = summarise(results)
  return [
    {
      metric,
      ours: perSecond('adapter'),
      baseline: `undici.fetch, a static token ${perSecond('bare')}`,
      ratio: ratio(against('bare'), 3),
      goal: `≥ ${GOAL}`,
      result: atLeast(against('bare'), GOAL),
    },
    {
      baseline: `undici.request, a static token ${perSecond('request')}`,
      ratio: ratio(against('request'), 3),
    },
  ]
}

function report(colds, results, real) {
  const logins = Math.max(...colds.map((cold) => cold.logins))
  const processor = (each) => {
    const { micros } = summarise(each)
    return `${micros('adapter')}, undici.fetch ${micros('bare')}, undici.request ${micros('request')}`
  }
  const ofRealVault = real.results
    ? [...readRows(`secrets a second, createVaultFetch, Vault ${real.version}`, real.results)]
    : [{ metric: 'secrets a second, a real Vault', baseline: `not measured: ${real.reason}` }]
  return {
    rows: [
      {
        metric: `logins of ${count(CALLS)} getToken() at once, cold`,
        ours: count(logins),
        goal: '1',
        result: atMost(logins, 1),
      },
      ...ofRealVault,
      ...readRows('secrets a second, createVaultFetch, a server that does nothing', results),
    ],
    notes: [
      `vault: all ${count(CALLS)} callers had their token ${milliseconds(median(colds.map((cold) => cold.ms)))} after the provider was made, which includes the first read of the file and the login. Reads: ${results.length} blocks, ${SIDES.length} sides in mirrored order, in ${colds.length} processes; the ratio is the blocks' median; 16 at a time over keep-alive. The server that does nothing is a process that answers each read with the same bytes. Processor of the client a read from it: ${processor(results)}${real.results ? `; from Vault: ${processor(real.results)}` : ''}.`,
    ],
    data: { colds, results, real },
  }
}
