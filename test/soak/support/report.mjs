/** The result in tables. */
import os from 'node:os'
import { formatTable, megabytes } from './table.mjs'

export function describeEnvironment() {
  const cpus = os.cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    system: `${os.type()} ${os.release()}`,
    processors: cpus.length,
  }
}

export function formatResult(result) {
  const { environment, minutes, seed, rotations, vaultKind, recoveryMs, problems } = result
  const { date, node, system, processors } = environment
  const shown = problems.slice(0, 20).map((problem) => `- ${problem}`)
  const recovered = recoveryMs === undefined ? '' : `; all recovered ${recoveryMs} ms after the last fault`
  return `${date}, Node ${node}, ${system}, ${processors} processors
${minutes} minutes, seed ${seed}, ${vaultKind}; ${rotations} rotations${recovered}

${clientTable(result.clients)}

${faultTable(result.faults)}

${growthTable(result.growth, result.samples)}

${problems.length === 0 ? 'No violation.' : `${problems.length} problems:\n${shown.join('\n')}`}`
}

const clientTable = (clients) =>
  formatTable([
    [
      ...['client', 'requests', 'refused', 'the perfect client too', 'in reaction time', 'violations'],
      ...['failed', 'by a fault', 'stale at most', 'in a fault'],
    ],
    ...Object.entries(clients).map(([name, each]) => [
      ...[name, each.requests, each.refused, each.shared, each.reacting, each.violation],
      ...[each.failed, each.broken, ...[each.maxStaleMs, each.maxStaleInFaultMs].map(inMilliseconds)],
    ]),
  ])

const inMilliseconds = (ms) => `${Math.round(ms)} ms`

const faultTable = (faults) =>
  formatTable([['fault', 'times'], ...Object.entries(faults).sort(([a], [b]) => (a < b ? -1 : 1))])

const growthTable = (growth, samples) =>
  growth.length === 0
    ? `${samples.length} samples: too few to judge growth.`
    : formatTable([
        ['median of', 'early', 'late'],
        ...growth.map(({ name, first, last }) => [name, ...[first, last].map(inUnit(name))]),
      ])

const inUnit = (name) => (value) => (/memory|heap/.test(name) ? megabytes(value) : String(value))
