/**
 * The matrix of faults and adapters: `npm run test:faults`, or `node test/faults/run.mjs --help`. Makes each fault for
 * real, and compares what requests came to with what expectations.mjs says. Exit code 1 on a difference.
 */
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { ADAPTERS, expectedOf, KNOWN_GAPS, PEERS } from './expectations.mjs'
import { FAULTS } from './faults/index.mjs'
import { IN_OWN_MOUNT_NAMESPACE, whyNot } from './support/capabilities.mjs'
import { notApplicable } from './support/outcome.mjs'
import { renderJson, renderSummary, renderTable } from './support/render.mjs'
import { runRow } from './support/row.mjs'
import { startVaults } from './support/vault-server.mjs'

const HELP = `Usage: node test/faults/run.mjs [options]     (after npm run build)

  --only TEXT      faults whose name contains it, or of this scenario number; repeatable
  --adapter NAME   ${ADAPTERS.join(', ')}; repeatable. Also ${PEERS.join(', ')}: programs
                   without this project, which read the token once, or for every request; they are meant to fail
  --patience S     seconds to wait for what is expected (45): a machine that stands still is no defect
  --vault KIND     real or stand-in. Default: HashiCorp's, if npm run test:real has built it
  --quick          leaves out what takes more than 15 s
  --list           prints the expectations, and runs nothing
  --json           one object for each cell instead of the table
  --trace          tells what every request of a cell came to, where it is not as expected

Faults that need root or a tool that is missing are skipped, with the reason. Exit code 1 on a difference.`

const OPTIONS = {
  only: { type: 'string', multiple: true },
  adapter: { type: 'string', multiple: true },
  vault: { type: 'string' },
  patience: { type: 'string', default: '45' },
  ...{ quick: { type: 'boolean' }, list: { type: 'boolean' }, json: { type: 'boolean' } },
  ...{ trace: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
}
const OWN_MOUNTS = 'FAULTS_OWN_MOUNTS'
const MAX_FAILURE = 1_500

process.exitCode = await main()

async function main() {
  const options = readOptions()
  if (options === undefined) return 2
  if (options.help) {
    console.log(HELP)
    return 0
  }
  const faults = FAULTS.filter((fault) => isWanted(fault, options))
  const adapters = options.adapter ?? ADAPTERS
  if (faults.length === 0) {
    console.error('No fault is named so; see --list')
    return 2
  }
  if (options.list) {
    console.log(
      renderTable(
        faults.map((fault) => ({ fault, cells: expectedCells(fault, adapters) })),
        adapters,
      ),
    )
    return 0
  }
  // What is mounted is seen by nobody else then, and ends with the last process.
  const mounts = faults.some(({ needs }) => needs === 'mounts')
  if (mounts && !process.env[OWN_MOUNTS] && whyNot('mounts') === undefined) return inOwnMountNamespace()

  const say = (text) => process.stderr.write(`${text}\n`)
  const vaults = await startVaults(options.vault)
  say(`Vault is ${vaults.kind}; every other server verifies signature, audience and expiry of every token`)
  const rows = []
  const startedAt = performance.now()
  try {
    for (const [index, fault] of faults.entries()) {
      const rowStartedAt = performance.now()
      const row = {
        fault,
        cells: await runCells(fault, adapters, { vaults, patienceMs: options.patience * 1_000 }),
      }
      rows.push(row)
      const seconds = ((performance.now() - rowStartedAt) / 1_000).toFixed(1)
      say(`${index + 1}/${faults.length}  ${fault.name}: ${renderSummary([row])}, ${seconds} s`)
      tellDifferences(row, options, say)
    }
  } finally {
    await vaults.close()
  }
  if (options.json) console.log(renderJson(rows))
  else console.log(`\n${renderTable(rows, adapters)}\n\nVault is ${vaults.kind}.`)
  say(`${renderSummary(rows)} in ${Math.round((performance.now() - startedAt) / 1_000)} s`)
  const isOurs = (adapter) => !PEERS.includes(adapter)
  const differs = ({ cells }) =>
    Object.entries(cells).some(([adapter, { outcome }]) => isOurs(adapter) && outcome === 'different')
  return rows.some(differs) ? 1 : 0
}

/** By adapter: whether it is `good`, `different`, `gap`, `skipped` or `n/a`, and why. */
async function runCells(fault, adapters, settings) {
  const cells = expectedCells(fault, adapters)
  const applicable = Object.fromEntries(
    Object.entries(cells).flatMap(([adapter, { expected }]) => (expected ? [[adapter, expected]] : [])),
  )
  if (Object.keys(applicable).length === 0) return cells
  const reason = whyNot(fault.needs)
  if (reason !== undefined) {
    for (const adapter of Object.keys(applicable)) cells[adapter] = { outcome: 'skipped', seen: reason }
    return cells
  }
  const gaps = KNOWN_GAPS[fault.name] ?? {}
  let seen
  try {
    seen = await runRow(fault, applicable, settings)
  } catch (error) {
    console.error(`${fault.name} could not be run: ${error.message.slice(0, MAX_FAILURE)}`)
    for (const adapter of Object.keys(applicable)) {
      cells[adapter] = { outcome: 'different', seen: 'could not be run', expected: applicable[adapter] }
    }
    return cells
  }
  for (const [adapter, cell] of Object.entries(seen)) {
    const outcome = cell.isAsExpected ? 'good' : gaps[adapter] ? 'gap' : 'different'
    cells[adapter] = { ...cell, outcome, expected: applicable[adapter], gap: gaps[adapter] }
  }
  return cells
}

function expectedCells(fault, adapters) {
  return Object.fromEntries(
    adapters.map((adapter) => {
      const expected = expectedOf(fault.name, adapter)
      const reason = notApplicable(expected)
      return [
        adapter,
        reason ? { outcome: 'n/a', seen: reason } : { outcome: 'expected', expected, seen: expected },
      ]
    }),
  )
}

function tellDifferences({ cells }, { trace }, say) {
  for (const [adapter, { outcome, expected, seen, timeline, gap }] of Object.entries(cells)) {
    if (outcome === 'gap') say(`      ${adapter}: known gap (${gap}): expected '${expected}', saw '${seen}'`)
    if (outcome !== 'different') continue
    say(`      ${adapter}: expected '${expected}', saw '${seen}'`)
    if (trace && timeline) for (const line of condensed(timeline)) say(`          ${line}`)
  }
}

/** Results that are alike, one after the other, on one line. */
function condensed(timeline) {
  const lines = []
  const startedAt = timeline[0]?.begunAt ?? 0
  let before
  for (const { begunAt, at, message = '', ...result } of timeline) {
    const text = JSON.stringify(result)
    const time = `${((begunAt - startedAt) / 1_000).toFixed(2)}–${((at - startedAt) / 1_000).toFixed(2)} s`
    if (text !== before) lines.push(`${time} ${text} ${message}`)
    before = text
  }
  return lines
}

function isWanted({ name, scenario, isLong }, { only, quick }) {
  if (quick && isLong) return false
  return only === undefined || only.some((text) => name.includes(text) || String(scenario) === text)
}

function readOptions() {
  try {
    const { values } = parseArgs({ options: OPTIONS })
    const unknown = values.adapter?.find((adapter) => ![...ADAPTERS, ...PEERS].includes(adapter))
    if (unknown) throw new TypeError(`'${unknown}' is no adapter; there are ${ADAPTERS.join(', ')}`)
    if (!(Number(values.patience) > 0)) throw new TypeError(`--patience is a number of seconds`)
    if (values.vault && !['real', 'stand-in'].includes(values.vault)) {
      throw new TypeError(`--vault is real or stand-in, not '${values.vault}'`)
    }
    return values
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`)
    return undefined
  }
}

async function inOwnMountNamespace() {
  const [command, ...args] = [
    ...IN_OWN_MOUNT_NAMESPACE,
    process.execPath,
    ...process.execArgv,
    ...process.argv.slice(1),
  ]
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, [OWN_MOUNTS]: '1' } })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}
