/** How long after the kubelet swapped a token the new one is served. */
import path from 'node:path'
import { sleep } from './children/contenders.mjs'
import { startChild, withChildren } from './support/child.mjs'
import { atMost, milliseconds, ratio } from './support/format.mjs'
import { findPeer } from './support/peers.mjs'
import { percentile, rotate, summary } from './support/statistics.mjs'
import { compare } from './support/table.mjs'
import { createJwt } from './support/token.mjs'
import { volumeKind, withVolumes, writeVolume } from './support/volume.mjs'

const GOAL = 1.5
const WATCHING = ['ours', 'fs.watch', 'chokidar', 'chokidar raw']
const LABELS = {
  'fs.watch': 'fs.watch + read (the floor)',
  chokidar: "chokidar 'all' + read",
  'chokidar raw': "chokidar 'raw', all ignored, + read",
}
const ASKED = ['@kubernetes/client-node', '@azure/identity']
/** A contender sees one rotation in this time: far enough apart that no throttle, theirs or ours, has to act. */
const ROUND_MS = 1_100
const TIMEOUT_MS = 5_000

export const rotation = {
  name: 'rotation',
  about: 'rotation on disk → new token served',
  async run({ quick, full, progress }) {
    const rounds = quick ? 12 : 200
    const times = await withVolumes((folder) => race(folder, rounds, progress))
    const measured = await Promise.all(ASKED.map((name) => measureStaleness(name, { real: full, progress })))
    const staleness = Object.fromEntries(ASKED.map((name, index) => [name, measured[index]]))
    return report(times, staleness, { rounds, full })
  },
}

/** @returns for each contender its times in milliseconds; null is a rotation that it did not find in time */
async function race(folder, rounds, progress) {
  const times = Object.fromEntries(WATCHING.map((kind) => [kind, []]))
  const starts = WATCHING.map(() => () => startChild('rotation-contender.mjs'))
  await withChildren([() => startChild('rotation-writer.mjs'), ...starts], async (writer, ...children) => {
    const contenders = children.map((child, index) => {
      const kind = WATCHING[index]
      const directory = path.join(folder, kind.replace(/\W/g, '-'))
      writeVolume(directory, createJwt())
      return { kind, child, directory, file: path.join(directory, 'token') }
    })
    for (const { kind, child, directory, file } of contenders)
      await child.call('watch', { kind, directory, file })
    // The first rounds warm the programs up.
    for (let round = -3; round < rounds; round++) {
      if (round % 20 === 0) progress(`rotation ${round} of ${rounds}`)
      for (const contender of rotate(contenders, round + 3)) {
        const ms = await rotateOnce(writer, contender)
        if (round >= 0) times[contender.kind].push(ms)
      }
    }
  })
  return times
}

async function rotateOnce(writer, { child, directory }) {
  const token = createJwt()
  const pauseMs = ROUND_MS / WATCHING.length
  const served = child.call('served', { token, timeoutMs: TIMEOUT_MS })
  await sleep(pauseMs / 2 + Math.random() * 10)
  const swappedAtNs = await writer.call('rotate', { directory, token, quietMs: pauseMs / 2 })
  const servedAtNs = await served
  return servedAtNs === null ? null : (servedAtNs - swappedAtNs) / 1e6
}

/** The worst case of a cache that is asked all the time: it read the old token just before the rotation. */
async function measureStaleness(name, { real, progress }) {
  const { version, folder, reason } = await findPeer(name)
  if (reason) return { version, reason }
  progress(`staleness of ${name}${real ? ', which takes minutes' : ', with its clock set forward'}`)
  return withVolumes((directory) =>
    withChildren([() => startChild('rotation-contender.mjs')], async (child) => {
      const token = createJwt()
      writeVolume(directory, createJwt())
      await child.call('prepare', { kind: name, file: path.join(directory, 'token'), folder })
      await child.call('prime')
      const swappedAtNs = writeVolume(directory, token)
      const ms = await child.call('staleness', { token, swappedAtNs, stepMs: real ? 0 : 10 })
      return { version, ms }
    }),
  )
}

function report(times, staleness, { rounds, full }) {
  const found = (kind) => times[kind].filter((ms) => ms !== null)
  const rowsAt = (percent, goal) => {
    const ours = percentile(found('ours'), percent)
    const baselines = WATCHING.slice(1).map((kind) => {
      const ms = percentile(found(kind), percent)
      const judged = goal && kind === 'fs.watch' && { goal: `≤ ${goal} ×`, result: atMost(ours / ms, goal) }
      return { baseline: `${LABELS[kind]} ${milliseconds(ms)}`, ratio: ratio(ours / ms), ...judged }
    })
    return compare(`rotation → served, p${percent}`, milliseconds(ours), baselines)
  }
  const oursMs = percentile(found('ours'), 50)
  const how = full ? 'waited for' : 'clock set forward'
  const caches = Object.entries(staleness).map(([name, { version, ms, reason }]) =>
    reason
      ? { baseline: `${name}: ${reason}` }
      : { baseline: `${name} ${version} ${milliseconds(ms)} (${how})`, ratio: ratio(oursMs / ms) },
  )
  const missed = WATCHING.map((kind) => [kind, rounds - found(kind).length]).filter(([, count]) => count > 0)
  return {
    rows: [
      ...rowsAt(50, GOAL),
      ...rowsAt(99),
      ...compare('rotation → served, worst case of a cache', milliseconds(oursMs), caches),
    ],
    notes: [
      `rotation: ${rounds} rotations a side, alternated, ${ROUND_MS} ms apart; a writer process swaps ..data on ${volumeKind}; both ends read CLOCK_MONOTONIC.`,
      full
        ? 'rotation: the caches were asked every 10 ms of real time, one rotation each, right after they had read.'
        : 'rotation: the caches look only when asked; one rotation each, right after they had read; then the Date of their process was set forward by 10 ms a try until they gave the new token (--full waits for the real clock).',
      ...missed.map(
        ([kind, count]) =>
          `rotation: ${kind} did not find ${count} of ${rounds} within ${TIMEOUT_MS / 1000} s; its percentiles leave them out.`,
      ),
    ],
    data: {
      milliseconds: Object.fromEntries(
        WATCHING.map((kind) => [
          kind,
          { ...summary(found(kind)), missed: rounds - found(kind).length, all: times[kind] },
        ]),
      ),
      staleness,
    },
  }
}
