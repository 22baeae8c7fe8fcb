/**
 * `npm run test:cluster`: a Kubernetes of one node, built and started here, and the cases of cases/ on it. Needs root on
 * Debian or Ubuntu, and Go; elsewhere everything is skipped, with the reason.
 */
import { createServer } from 'node:net'
import { parseArgs } from 'node:util'
import { loadRealServers } from '../bench/support/vault-modules.mjs'
import { build } from '../check/build.mjs'
import { start } from '../check/support/commands.mjs'
import { StageFailure } from '../check/support/run-stages.mjs'
import { removeTemporaryFolders } from '../check/support/temporary.mjs'
import { openEngine } from '../container/support/engine.mjs'
import { prepareTools } from '../container/tools.mjs'
import { lifeSecondsOf } from './cases/pods.mjs'
import { runCases } from './cases/run-cases.mjs'
import { PORT as VAULT_PORT } from './cases/vault-overlay.mjs'
import { nodeAddress } from './cluster/kubelet.mjs'
import { foreignKubelet } from './cluster/scratch.mjs'
import { startCluster } from './cluster/start-cluster.mjs'
import { buildComponents, buildKustomizer, CONTAINERD, ETCD, KUBERNETES } from './components.mjs'
import { buildImages } from './images.mjs'
import { expectationTable, report } from './report.mjs'

/** The sidecar's, in examples/sidecar/manifests; pods share the node's network here. */
const HEALTH_PORT = 8080

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    keep: { type: 'boolean' },
    expected: { type: 'boolean' },
  },
})
const note = (text) => console.log(`   ${text}`)
let interruption
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (!interruption) console.log(`\n${signal}: cleaning up`)
    interruption = `interrupted by ${signal}`
  })
}

if (values.help) help()
else if (values.expected) console.log(expectationTable())
else process.exitCode = (await main()) ? 0 : 1

function help() {
  console.log(`Usage: npm run test:cluster -- [options]

  --keep       leave the folder of the cluster, with its logs
  --expected   print what is expected of each case, and run nothing
  --help

Builds etcd ${ETCD}, containerd ${CONTAINERD}, Kubernetes ${KUBERNETES} and Vault from their Go modules, once, into
\${PROJECTED_TOKEN_CACHE:-\${XDG_CACHE_HOME:-~/.cache}/projected-token}. Everything else is in a temporary directory,
and is removed. Needs root, Go, and debootstrap, buildah, podman and runc, which root gets by apt-get.`)
}

async function main() {
  const reason = (await prepareTools()) ?? foreignKubelet() ?? (await whyNotHere())
  if (reason) {
    console.log(`skipped: ${reason}`)
    return true
  }
  try {
    const results = await run()
    const { text, problems } = report(results)
    console.log(`\n${text}\n`)
    for (const problem of problems) console.log(`✗ ${problem}`)
    console.log(problems.length === 0 ? 'passed' : `failed: ${problems.length} not as expected`)
    return problems.length === 0
  } catch (error) {
    const why = error instanceof StageFailure ? error.message : error.stack
    console.log(`\nfailed: ${interruption ?? why}`)
    return false
  }
}

async function run() {
  const at = stopwatch()
  console.log('== programs')
  await build.run()
  const programs = await buildComponents()
  const kustomizer = await buildKustomizer()
  const vaultServers = await loadRealServers()
  await vaultServers.buildVault()
  console.log(`== images (${at()})`)
  const engine = await openEngine()
  let cluster
  try {
    giveUpIfInterrupted()
    const archives = await buildImages({ engine, pause: programs.pause, note })
    giveUpIfInterrupted()
    console.log(`== cluster (${at()})`)
    cluster = await startCluster({ programs, archives, lifeSecondsOf, note, keep: values.keep })
    note(`etcd ${ETCD}, containerd ${CONTAINERD}, Kubernetes ${KUBERNETES} (${at()})`)
    return await runCases({ cluster, kustomizer, vaultServers, interrupted: () => interruption, note })
  } finally {
    console.log('\n== cleaning up')
    try {
      await cluster?.close()
    } finally {
      await engine.close()
      await removeTemporaryFolders()
    }
    note(`done, ${at()} in all`)
  }
}

function giveUpIfInterrupted() {
  if (interruption) throw new StageFailure(interruption)
}

async function whyNotHere() {
  const hasGo = await start('go', ['version']).then(
    ({ code }) => code === 0,
    () => false,
  )
  if (!hasGo) return 'there is no go on PATH to build the programs with'
  if (!nodeAddress()) return 'a kubelet needs an IPv4 address beside loopback'
  if (!(await isFree(HEALTH_PORT))) return `port ${HEALTH_PORT} is taken: the manifests' pods listen there`
  if (!(await isFree(VAULT_PORT))) return `port ${VAULT_PORT} is taken: the manifests look for Vault there`
  return undefined
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}

function stopwatch() {
  const startedAtMs = performance.now()
  return () => `${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`
}
