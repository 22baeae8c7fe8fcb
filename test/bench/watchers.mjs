/** What a thousand watchers in one process cost. */
import path from 'node:path'
import { startChild, withChildren } from './support/child.mjs'
import { atMost, count, kilobytes, percent, ratio } from './support/format.mjs'
import { median } from './support/statistics.mjs'
import { compare } from './support/table.mjs'
import { createJwt } from './support/token.mjs'
import { withVolumes, writeVolume } from './support/volume.mjs'

const GOAL_HEAP_BYTES = 16 * 1024
const GOAL_IDLE = 0.001
const WATCHERS = 1_000
const KINDS = ['ours', 'fs.watch', 'chokidar']
/**
 * Each with one look at the clocks (`WAKE_CHECK_MS` of core). Some seconds after much was allocated V8 tidies up once: it
 * falls into one slice, and the median leaves it out.
 */
const SLICE_MS = 20_000
/** What createTokenWatcher's reloadIntervalMs is by default. */
const CADENCE_MS = 300_000

export const watchers = {
  name: 'watchers',
  about: '1,000 watchers in a process',
  async run({ quick, progress }) {
    const slices = quick ? 1 : 3
    const results = await withVolumes(async (folder) => {
      const directories = Array.from({ length: WATCHERS + 1 }, (_, index) => path.join(folder, String(index)))
      for (const directory of directories) writeVolume(directory, createJwt())
      const starts = KINDS.map(() => () => startChild('watchers.mjs', { execArgv: ['--expose-gc'] }))
      return withChildren(starts, (...children) => measure(children, directories, slices, progress))
    })
    return report(results, slices)
  },
}

async function measure(children, [first, ...directories], slices, progress) {
  const results = {}
  for (const [index, kind] of KINDS.entries()) {
    progress(`opening ${directories.length} × ${kind}`)
    results[kind] = await children[index].call('open', { kind, first, directories })
  }
  progress(`idle for ${(slices * SLICE_MS) / 1000} s`)
  const idle = await Promise.all(children.map((child) => child.call('idle', { slices, ms: SLICE_MS })))
  for (const [index, kind] of KINDS.entries()) {
    results[kind].idleSlices = idle[index]
    results[kind].idle = median(idle[index])
  }
  results.ours.reloadCpuMs = await children[0].call('reload')
  return results
}

function report(results, slices) {
  const { ours } = results
  const against = (field, format, judged) =>
    KINDS.slice(1).map((kind, index) => ({
      baseline: `${kind} ${format(results[kind][field])}`,
      ratio: results[kind][field] > 0 ? ratio(ours[field] / results[kind][field]) : '',
      ...(index === 0 && judged),
    }))
  const amortised = ours.reloadCpuMs / CADENCE_MS
  return {
    rows: [
      ...compare(
        'heap of a watcher',
        kilobytes(ours.heapBytes),
        against('heapBytes', kilobytes, {
          goal: `≤ ${kilobytes(GOAL_HEAP_BYTES)}`,
          result: atMost(ours.heapBytes, GOAL_HEAP_BYTES),
        }),
      ),
      ...compare('resident memory of a watcher', kilobytes(ours.rssBytes), against('rssBytes', kilobytes)),
      ...compare(
        `processor time of ${count(WATCHERS)}, idle`,
        percent(ours.idle),
        against('idle', percent, { goal: `≤ ${percent(GOAL_IDLE)}`, result: atMost(ours.idle, GOAL_IDLE) }),
      ),
      inotifyRow(results),
    ],
    notes: [
      `watchers: heap and external memory after collection, before and after ${count(WATCHERS)} more, each on its own volume with a token of its own; idle: the median of ${slices} slices of ${SLICE_MS / 1000} s, when no timed read is due (the mean, with what V8 tidies up once after they were opened: ${percent(mean(ours.idleSlices))}). One read of all ${count(WATCHERS)} files takes ${ours.reloadCpuMs.toFixed(0)} ms of processor time: spread over the cadence of ${CADENCE_MS / 1000} s, another ${percent(amortised)}.`,
    ],
    data: results,
  }
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length

function inotifyRow({ ours, 'fs.watch': bare, chokidar }) {
  const metric = `inotify watches of ${count(WATCHERS + 1)}`
  if (ours.inotifyWatches === undefined) return { metric, baseline: 'not counted: Linux only' }
  return {
    metric,
    ours: count(ours.inotifyWatches),
    baseline: `fs.watch ${count(bare.inotifyWatches)}, chokidar ${count(chokidar.inotifyWatches)}`,
    ratio: ratio(ours.inotifyWatches / bare.inotifyWatches),
  }
}
