/**
 * `npm run test:time`: rotations by the hundred thousand. Each is found, told and served; nothing grows; on the fake clock
 * the cadence keeps to its plan. README.md says what the last run gave.
 */
import { parseArgs } from 'node:util'
import { startChild } from './support/child.mjs'
import { judgeGrowth } from './support/growth.mjs'
import { describeEnvironment } from './support/report.mjs'
import { formatTable, megabytes } from './support/table.mjs'

const DEFAULT_ROTATIONS = { clock: 1_000_000, files: 100_000 }
const PROGRESS_INTERVAL_MS = 60_000
/** Of the whole run: one byte a rotation on the fake clock. */
const MAX_HEAP_GAIN = 2 ** 20
const MAX_RESIDENT_GAIN = 32 * 2 ** 20

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    on: { type: 'string', default: 'clock,files' },
    rotations: { type: 'string' },
    seed: { type: 'string', default: '1' },
    'fake-clock': { type: 'boolean' },
  },
})

if (values.help) {
  console.log(`Usage: npm run test:time -- [options]

  --on clock|files  one of the two @default both
  --rotations N     how many of each, from 50 @default 1,000,000 on the clock, 100,000 of files
  --seed N          for the moments of the rotations on the clock @default 1
  --fake-clock      the testing package's createFakeClock() in place of a clock that only fires: several times slower
  --help

Exits with 1 when a rotation was not found, told or served, when a read was not made as planned, or when something grew.`)
} else {
  process.exitCode = await main()
}

async function main() {
  const kinds = values.on.split(',')
  const rotations = values.rotations === undefined ? undefined : Number(values.rotations)
  const isBad = (kind) => !(kind in DEFAULT_ROTATIONS)
  if (kinds.some(isBad) || (rotations !== undefined && !(Number.isInteger(rotations) && rotations >= 50))) {
    console.error('--on must be clock or files, and --rotations a whole number from 50')
    return 2
  }
  const results = []
  for (const kind of kinds) results.push(await measure(kind, rotations ?? DEFAULT_ROTATIONS[kind]))
  const { date, node, system, processors } = describeEnvironment()
  console.log(`${date}, Node ${node}, ${system}, ${processors} processors\n`)
  console.log(`${results.map(format).join('\n\n')}\n`)
  const problems = results.flatMap((result) => result.problems)
  console.log(problems.length === 0 ? 'Nothing grew, and every rotation was served.' : problems.join('\n'))
  return problems.length === 0 ? 0 : 1
}

async function measure(kind, rotations) {
  const startedAt = performance.now()
  const seconds = () => Math.round((performance.now() - startedAt) / 1_000)
  const samples = []
  const child = startChild('rotations.mjs', {
    execArgv: ['--expose-gc'],
    onPost: (sample) => samples.push(sample),
  })
  const progress = setInterval(() => {
    const { done = 0, heapUsed = 0 } = samples.at(-1) ?? {}
    console.error(`${kind}, ${seconds()} s: ${done} of ${rotations}, heap ${megabytes(heapUsed)}`)
  }, PROGRESS_INTERVAL_MS)
  try {
    const settings = { kind, rotations, seed: Number(values.seed), fakeClock: values['fake-clock'] }
    const totals = await child.call('rotate', settings)
    const growth = judgeSamples(samples)
    const problems = growth.filter(({ grows }) => grows).map(({ name }) => `${kind}: ${name} grew`)
    if (totals.rotations !== rotations) problems.push(`${kind}: ${totals.rotations} rotations were told`)
    return { kind, seconds: seconds(), totals, growth, problems }
  } catch (error) {
    return { kind, seconds: seconds(), totals: {}, growth: [], problems: [`${kind}: ${error.message}`] }
  } finally {
    clearInterval(progress)
    await child.close()
  }
}

function judgeSamples(samples) {
  const names = [...new Set(samples.flatMap(({ resources }) => Object.keys(resources)))].sort()
  const series = [
    ['heap', MAX_HEAP_GAIN, ({ heapUsed }) => heapUsed],
    ['memory outside of the heap', MAX_HEAP_GAIN, ({ external }) => external],
    ['resident memory', MAX_RESIDENT_GAIN, ({ rssBytes }) => rssBytes],
    ['listeners of the process', 0, ({ listeners }) => listeners],
    ['open files', 0, ({ files }) => files],
    ['inotify watches', 0, ({ inotifyWatches }) => inotifyWatches],
    ['timers of the fake clock', 0, ({ pendingTimers }) => pendingTimers],
    ...names.map((name) => [`active ${name}`, 0, ({ resources }) => resources[name] ?? 0]),
  ]
  return series.flatMap(([name, tolerance, read]) => {
    const numbers = samples.map(read)
    // Without /proc, or without a clock.
    return numbers.includes(undefined) ? [] : [{ name, ...judgeGrowth(numbers, tolerance) }]
  })
}

function format({ kind, seconds, totals, growth }) {
  const inUnit = (name) => (value) => (/memory|heap/.test(name) ? megabytes(value) : String(value))
  return [
    formatTable([
      [kind === 'clock' ? 'on the fake clock' : 'on real files', ''],
      ...Object.entries(describeTotals(totals)),
      ['took', `${seconds} s`],
    ]),
    formatTable([
      ['median of', 'early', 'late'],
      ...growth.map(({ name, first, last }) => [name, ...[first, last].map(inUnit(name))]),
    ]),
  ].join('\n\n')
}

function describeTotals({ rotations, reads, maxFoundMs, maxGapMs, maxDriftMs, years, degraded }) {
  const count = (value) => value?.toLocaleString('en-US')
  const all = {
    'rotations, each served': count(rotations),
    reads: count(reads),
    'found after at most': maxFoundMs === undefined ? undefined : `${count(Math.round(maxFoundMs))} ms`,
    'longest time between two reads': maxGapMs === undefined ? undefined : `${count(maxGapMs)} ms`,
    'read and plan apart by at most': maxDriftMs === undefined ? undefined : `${maxDriftMs.toFixed(2)} ms`,
    'time that passed': years === undefined ? undefined : `${years.toFixed(2)} years`,
    'watches that missed a change': degraded,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
