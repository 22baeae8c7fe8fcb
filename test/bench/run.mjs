/** `npm run bench`: a report of speed and size, beside what others need for the same. The files say what is measured. */
import { writeFile } from 'node:fs/promises'
import os from 'node:os'
import { parseArgs } from 'node:util'
import { removeTemporaryFolders } from '../check/support/temporary.mjs'
import { grpc } from './grpc.mjs'
import { header } from './header.mjs'
import { install } from './install.mjs'
import { requests } from './requests.mjs'
import { rotation } from './rotation.mjs'
import { sidecar } from './sidecar.mjs'
import { sidecarProxy } from './sidecar-proxy.mjs'
import { startup } from './startup.mjs'
import { formatTable } from './support/table.mjs'
import { vault } from './vault.mjs'
import { vaultHerd } from './vault-herd.mjs'
import { vaultPeers } from './vault-peers.mjs'
import { watchers } from './watchers.mjs'

const benches = [
  rotation,
  header,
  requests,
  grpc,
  watchers,
  startup,
  install,
  vault,
  vaultHerd,
  vaultPeers,
  sidecar,
  sidecarProxy,
]
const names = benches.map((bench) => bench.name)

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean' },
    full: { type: 'boolean' },
    json: { type: 'string' },
  },
})

// So that folders are removed; the children end with this process.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

if (values.help) {
  console.log(`Usage: npm run bench -- [options]

  --only NAME[,NAME]  these benchmarks
  --quick             a smoke test: every benchmark runs, with counts too small to mean much
  --full              waits five minutes longer: for the real clock, where others cache a token
  --json FILE         also writes the results, with all samples, to FILE
  --help

Exits with 1 when a measurement failed; a goal that is missed is a result.

Benchmarks:
${benches.map(({ name, about }) => `  ${name.padEnd(10)} ${about}`).join('\n')}`)
} else {
  const only = values.only?.flatMap((value) => value.split(',')) ?? names
  const unknown = only.filter((name) => !names.includes(name))
  if (unknown.length > 0) {
    console.error(`There is no benchmark '${unknown[0]}'. Benchmarks: ${names.join(', ')}`)
    process.exitCode = 2
  } else {
    const results = await run(benches.filter((bench) => only.includes(bench.name)))
    process.exitCode = results.every((result) => result.error === undefined) ? 0 : 1
  }
}

async function run(selected) {
  const machine = describeMachine()
  const results = []
  for (const bench of selected) results.push(await runOne(bench))
  await removeTemporaryFolders()
  console.log(`${machine.text}; load ${machine.load} before, ${load()} after`)
  if (values.quick) console.log('Quick: counts too small to mean much.')
  console.log(`\n${formatTable(results.flatMap((result) => result.rows))}\n`)
  for (const note of results.flatMap((result) => result.notes)) console.log(`- ${note}`)
  if (values.json) await writeFile(values.json, `${JSON.stringify({ machine, results }, null, 2)}\n`)
  return results
}

/** A benchmark is { name, about, run({ quick, full, progress }) }; its run gives { rows, notes, data }. */
async function runOne(bench) {
  const startedAtMs = performance.now()
  const progress = (text) => {
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0)
    process.stderr.write(`${bench.name} ${seconds} s: ${text}\n`)
  }
  const settings = { quick: values.quick ?? false, full: values.full ?? false, progress }
  const result = await bench.run(settings).catch((error) => {
    progress(error?.stack ?? String(error))
    const rows = [{ metric: bench.name, result: 'failed: see standard error' }]
    return { rows, notes: [], data: null, error: String(error) }
  })
  // All come together at the end; but half an hour's results should not go with whoever ends the run before.
  progress(`done\n${formatTable(result.rows)}`)
  return { name: bench.name, seconds: (performance.now() - startedAtMs) / 1000, ...result }
}

function describeMachine() {
  const cpus = os.cpus()
  const system = `${os.type()} ${os.release()}`
  const text = `Node ${process.versions.node}, ${system}, ${cpus.length} × ${cpus[0]?.model ?? os.arch()}`
  return { text, node: process.versions.node, system, cpus: cpus.length, load: load() }
}

function load() {
  return os.loadavg()[0].toFixed(2)
}
