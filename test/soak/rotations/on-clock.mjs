/**
 * Rotations on the fake clock: a token of ten minutes, the shortest that Kubernetes gives, is replaced at a random moment
 * of the kubelet's window. There is no watch: only the cadence finds it. The files are real ones.
 */
import { getEventListeners } from 'node:events'
import path from 'node:path'
import { createTokenWatcher } from '@projected-token/core'
import { createAuthFetch } from '@projected-token/fetch'
import { rotationWindow } from '@projected-token/testing'
import { writeVolume } from '../../bench/support/volume.mjs'
import { AUDIENCE, createToken } from './token.mjs'

const LIFE_SECONDS = 600
/** What is promised: with the watch dead, a token that is rotated on schedule is found within this. */
const FOUND_WITHIN_MS = 60_000
const RELOAD_INTERVAL_MS = 300_000
const ORIGIN = 'https://api.example'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/**
 * @param options.clock with advance(ms) and pendingTimers
 * @param options.onSample is called every `sampleEvery` rotations, and may wait
 * @returns { rotations, reads, maxFoundMs, maxGapMs, maxDriftMs, years }
 * @throws Error at the first rotation that is not found, not served, or not read as planned
 */
export async function rotateOnClock({ directory, rotations, random, clock, sampleEvery, onSample }) {
  const volume = path.join(directory, 'clock')
  let token = publish(0)
  const watcher = createTokenWatcher({
    path: path.join(volume, 'token'),
    ...{ audience: AUDIENCE, clock, watch: false, reloadIntervalMs: RELOAD_INTERVAL_MS },
  })
  /** One signal for all calls: each must take its listener away again. */
  const { signal } = new AbortController()
  const sent = createAuthFetch(watcher, { origins: ORIGIN, fetch: echoAuthorization })
  const seen = { rotated: 0, maxFoundMs: 0, maxGapMs: 0, maxDriftMs: 0 }
  watcher.on('rotated', () => seen.rotated++)
  for (const event of ['failed', 'overdue', 'expired']) {
    // None is due: overdue is what a kubelet is that is later than its window.
    watcher.on(event, () => fail(`'${event}' was emitted`))
  }
  const startMs = clock.now()
  let failure
  function fail(problem) {
    failure ??= new Error(`rotation ${seen.rotated}, ${new Date(clock.now()).toISOString()}: ${problem}`)
  }

  try {
    await watcher.getToken({ signal })
    for (let rotation = 1; rotation <= rotations; rotation++) {
      const issuedAtMs = watcher.status().token.issuedAtMs
      const atMs = momentOfRotation(issuedAtMs)
      await readUntil(() => watcher.status().nextReadAtMs >= atMs)
      if (clock.now() < atMs) await clock.advance(atMs - clock.now())
      const publishedAtMs = clock.now()
      const old = token
      token = publish(rotation)
      await readUntil(() => watcher.current?.token === token.text)
      const foundMs = clock.now() - publishedAtMs
      seen.maxFoundMs = Math.max(seen.maxFoundMs, foundMs)
      if (foundMs > FOUND_WITHIN_MS) fail(`found after ${foundMs} ms`)
      if (clock.now() >= old.expiresAtMs) fail('found after the old one had expired')
      if (seen.rotated !== rotation) fail(`${seen.rotated} rotations were told`)
      await checkServed()
      if (failure) throw failure
      if (rotation % sampleEvery === 0) await onSample(rotation, { pendingTimers: clock.pendingTimers })
    }
    const { reads } = watcher.status()
    const { rotated, maxFoundMs, maxGapMs, maxDriftMs } = seen
    const years = (clock.now() - startMs) / (365.25 * 86_400_000)
    return { rotations: rotated, reads, maxFoundMs, maxGapMs, maxDriftMs, years }
  } finally {
    await watcher.close()
  }

  function publish(serial) {
    const text = createToken(serial, clock.now(), LIFE_SECONDS)
    writeVolume(volume, text)
    return { text, expiresAtMs: Math.floor(clock.now() / 1_000) * 1_000 + LIFE_SECONDS * 1_000 }
  }

  /** Lets time pass from read to read, and compares each with its plan. */
  async function readUntil(isEnough) {
    while (!isEnough()) {
      const { nextReadAtMs, lastReadAtMs, reads } = watcher.status()
      // A timer of a fraction of a millisecond is over in the next whole one.
      await clock.advance(Math.max(0, nextReadAtMs - clock.now()))
      await untilScheduled()
      const now = watcher.status()
      if (now.reads !== reads + 1) throw new Error(`${now.reads - reads} reads where one was planned`)
      seen.maxDriftMs = Math.max(seen.maxDriftMs, Math.abs(now.lastReadAtMs - nextReadAtMs))
      const gapMs = now.lastReadAtMs - lastReadAtMs
      seen.maxGapMs = Math.max(seen.maxGapMs, gapMs)
      if (gapMs > RELOAD_INTERVAL_MS) fail(`no read for ${gapMs} ms`)
    }
  }

  /** A fake clock that waits for a limited time may go on before a read has ended, on a machine that stood still. */
  async function untilScheduled() {
    while (watcher.status().nextReadAtMs <= clock.now()) await turn()
  }

  async function checkServed() {
    const given = await watcher.getToken({ signal })
    if (given.token !== token.text) fail('getToken() gave another token')
    const response = await sent(`${ORIGIN}/`, { signal })
    if ((await response.text()) !== `Bearer ${token.text}`) fail('fetch sent another token')
    const listeners = getEventListeners(signal, 'abort').length
    if (listeners > 0) fail(`${listeners} listeners stayed on the signal`)
  }

  function momentOfRotation(issuedAtMs) {
    const expirationTimestampMs = issuedAtMs + LIFE_SECONDS * 1_000
    const window = rotationWindow({ expirationTimestampMs, expirationSeconds: LIFE_SECONDS })
    const moment = window.earliestMs + random() * (window.latestMs - window.earliestMs)
    return Math.floor(moment)
  }
}

/** Stands for the network: what would be sent comes back. */
async function echoAuthorization(_url, init) {
  return new Response(new Headers(init.headers).get('authorization'))
}
