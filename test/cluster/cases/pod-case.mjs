/** One pod of the cases: started, observed from the node and by the server, measured, removed. */
import { setTimeout as delay } from 'node:timers/promises'
import { exec } from '../cluster/exec.mjs'
import { until } from '../support/process.mjs'
import { summarize } from './measure.mjs'
import { observeTokenFile, projectedFile } from './observe-volume.mjs'
import { manifestOf, prefixOf, tokensOf } from './pods.mjs'

const DOCTOR = ['node', '/app/cli/bin/projected-token.js', 'doctor', '--json']
/** A client reports once a second, and the machine may be busy. */
const AGREEMENT_TIMEOUT_MS = 15_000

/** @returns the pod's case, when its clients have reported and its files are observed */
export async function startPodCase(name, { cluster, server, onNode, interrupted }) {
  const { client, kubeletRoot } = cluster
  const tokens = tokensOf(name).map((token) => ({ ...token, client: `${name}/${token.name}` }))
  const { metadata, spec } = await client.create('pods', manifestOf(name, server.url, onNode))
  const volume = spec.volumes?.find(({ projected }) => projected)?.name
  const files = volume
    ? tokens.map(({ file }) => observeTokenFile(projectedFile(kubeletRoot, metadata.uid, volume, file)))
    : []
  const reports = () => tokens.map((token) => server.reportOf(token.client)).filter(Boolean)
  const measure = async () =>
    summarize({
      ...{ files, reports: reports(), place: await files[0]?.place().catch(() => 'gone') },
      sdk: tokens.map((token) => server.countsOf(token.client)),
      naive: Object.fromEntries(
        ['once', 'watch-file', 'cache-60s'].map((kind) => [kind, server.countsOf(`${name}/${kind}`)]),
      ),
    })

  const podCase = {
    name,
    path: tokens[0].path,
    hasFiles: files.length > 0,
    rotations: () => files.reduce((sum, file) => sum + file.rotations(), 0),
    measure,
    /** Once the clients' reports have caught up with the files, if they do at all. */
    async measureAtRest() {
      const endMs = performance.now() + AGREEMENT_TIMEOUT_MS
      let measured = await measure()
      while (measured['sdk rotations'] !== measured['rotations since'] && performance.now() < endMs) {
        await delay(50)
        measured = await measure()
      }
      return measured
    },
    /** What `doctor` finds in the container, as { 'doctor exit', 'doctor codes' }. */
    async doctor(args = ['--pod']) {
      const command = [...prefixOf(name), ...DOCTOR, ...args]
      const { exitCode, stdout, stderr } = await exec(client, name, 'clients', command)
      const codes = stdout ? JSON.parse(stdout).findings.map(({ code }) => code) : [stderr]
      return { 'doctor exit': exitCode, 'doctor codes': [...new Set(codes)].sort().join(' ') }
    },
    async remove() {
      for (const file of files) file.close()
      await client.remove('pods', name, 1)
    },
  }
  await until(() => reports().length === tokens.length, {
    what: `the clients of the pod ${name} report nothing`,
    giveUp: interrupted,
  })
  return podCase
}
