import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { planted } from './planted.js'
import type { FuzzTarget, OpenTarget } from './target.js'
import { targets } from './targets.js'

interface Job {
  readonly cases: number
  readonly seed: number
  readonly batch: number | undefined
  readonly memory: boolean
  readonly list: boolean | undefined
  readonly only: readonly string[] | undefined
  readonly scratch: string
}

const BATCH_CASES = 250
/** Of processor time: what waits, or stands still, costs none. Nothing here needs a tenth of it. */
const MAX_CASE_CPU_MS = 10_000
/** The heap may grow by so much between a fifth of the cases and their end: caches fill, what leaks grows on. */
const MAX_HEAP_GROWTH = 24 * 2 ** 20
const MAX_REPORT_LENGTH = 6_000

const job: Job = JSON.parse(process.argv[2] ?? '{}')
const send = (message: object) => void process.send?.(message)

/** Errors that nobody caught: found after the batch in which they came. */
const stray: unknown[] = []
process.on('uncaughtException', (error) => stray.push(error))
process.on('unhandledRejection', (error) => stray.push(error))

// A case that waits for nothing at all must look like a hang, not like the end.
const holdingOn = setInterval(() => {}, 60_000)
try {
  await main()
} catch (error) {
  stray.push(error)
}
clearInterval(holdingOn)
send({ type: 'done', failure: stray.length > 0 ? stray.map(describe).join('\n') : undefined })
process.disconnect?.()
// When the targets have closed all that they opened, the process ends by itself.

async function main(): Promise<void> {
  const known = job.only ? [...targets, ...planted] : targets
  const chosen = known.filter(({ name }) => !job.only || job.only.includes(name))
  const unknown = job.only?.filter((name) => !known.some((target) => target.name === name)) ?? []
  if (unknown.length > 0) throw new Error(`unknown targets: ${unknown.join(', ')}`)
  if (job.list) {
    send({ type: 'list', text: chosen.map(({ name, what }) => `${name}: ${what}`).join('\n') })
    return
  }
  const shares = chosen.reduce((sum, { share }) => sum + share, 0)
  for (const target of chosen) {
    await runTarget(target, Math.max(1, Math.ceil((job.cases * target.share) / shares)))
  }
}

async function runTarget(target: FuzzTarget, cases: number): Promise<void> {
  const scratch = join(job.scratch, target.name)
  await mkdir(scratch, { recursive: true })
  const startedAtMs = performance.now()
  const state = { target: target.name, done: 0, cases }
  const elapsed = () => performance.now() - startedAtMs
  const heaps: number[] = []
  let failure: string | undefined
  const open = await target.open(scratch)
  try {
    for (let index = 0; state.done < cases && failure === undefined; index++) {
      const numRuns = job.batch === undefined ? Math.min(BATCH_CASES, cases - state.done) : BATCH_CASES
      const seed = job.batch ?? batchSeed(target.name, index)
      send({ type: 'batch', target: target.name, seed })
      failure = await runBatch(open, seed, numRuns, () => {
        state.done++
        if (state.done % 50 === 0) send({ type: 'progress', ...state, ms: elapsed() })
      })
      if (job.batch !== undefined) break
      const isMeasured = index % 20 === 0 || state.done >= cases
      if (job.memory && state.done >= cases / 5 && isMeasured) heaps.push(await usedHeap())
    }
  } finally {
    await open.close()
  }
  const [first, last] = [heaps[0], heaps.at(-1)]
  const heapGrowth = first === undefined || last === undefined ? undefined : last - first
  if (failure === undefined && heapGrowth !== undefined && heapGrowth > MAX_HEAP_GROWTH) {
    failure = `the heap has grown by ${heapGrowth} bytes since a fifth of the cases`
  }
  send({ type: 'target', ...state, ms: elapsed(), heapGrowth, failure })
  await rm(scratch, { recursive: true, force: true })
}

async function runBatch<Case>(
  { arbitrary, check }: OpenTarget<Case>,
  seed: number,
  numRuns: number,
  onCase: () => void,
): Promise<string | undefined> {
  const property = fc.asyncProperty(arbitrary, async (input) => {
    // So that a hang can be told with its input: too much for every case.
    if (job.batch !== undefined) send({ type: 'input', text: shortened(fc.stringify(input)) })
    const before = process.cpuUsage()
    await check(input)
    const { user, system } = process.cpuUsage(before)
    const cpuMs = (user + system) / 1_000
    if (cpuMs > MAX_CASE_CPU_MS) throw new Error(`took ${Math.round(cpuMs)} ms of processor time`)
    onCase()
  })
  // A generator that fails is told of like a case.
  const result = await Promise.resolve(fc.check(property, { seed, numRuns, verbose: 0 })).catch(describe)
  if (typeof result === 'string') return result
  // A rejection is told one turn of the loop after it was not handled.
  await new Promise((resolve) => setImmediate(resolve))
  if (result.failed) {
    return `${shortened(describe(result.errorInstance))}\n${shortened(fc.defaultReportMessage(result) ?? '')}`
  }
  const [error] = stray.splice(0)
  return error === undefined ? undefined : shortened(`nobody caught: ${describe(error)}`)
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function shortened(text: string): string {
  return text.length <= MAX_REPORT_LENGTH ? text : `${text.slice(0, MAX_REPORT_LENGTH)}…`
}

/** What is left after garbage is collected. Not after each batch: that takes as long as many cases. */
async function usedHeap(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}

/** A seed of its own for each batch, so that one can be repeated alone (FNV-1a, 31 bits). */
function batchSeed(name: string, index: number): number {
  let hash = 0x811c9dc5
  for (const character of `${job.seed} ${name} ${index}`) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0
  }
  return hash >>> 1
}
