/**
 * Rotations of real files by the kubelet's order, on the machine's clock: the watch finds them. Several volumes at once,
 * each with a watcher of its own, since one directory's events are slowed down on purpose (`event-throttle.ts`).
 */
import { getEventListeners } from 'node:events'
import path from 'node:path'
import { createTokenWatcher } from '@projected-token/core'
import { createAuthFetch } from '@projected-token/fetch'
import { writeVolume } from '../../bench/support/volume.mjs'
import { AUDIENCE, createToken } from './token.mjs'

/** None comes near its expiry: nothing but the watch finds a rotation within this run's patience. */
const LIFE_SECONDS = 86_400
/** A timed read comes after five minutes; what takes this long was missed by the watch. */
const PATIENCE_MS = 120_000
const ORIGIN = 'https://api.example'

/**
 * @param options.onSample is called every `sampleEvery` rotations, with all volumes at rest, and may wait
 * @returns { rotations, reads, maxFoundMs, degraded }
 * @throws Error at the first rotation that is not found or not served
 */
export async function rotateOnFiles({ directory, rotations, volumes = 16, sampleEvery, onSample }) {
  const { signal } = new AbortController()
  const pods = Array.from({ length: Math.min(volumes, rotations) }, (_, index) =>
    createPod(path.join(directory, `volume-${index}`), signal),
  )
  try {
    await Promise.all(pods.map((pod) => pod.watcher.getToken({ signal })))
    let done = 0
    while (done < rotations) {
      const round = Math.min(sampleEvery, rotations - done)
      let left = round
      await Promise.all(
        pods.map(async (pod) => {
          while (left-- > 0) await pod.rotate()
        }),
      )
      done += round
      const listeners = getEventListeners(signal, 'abort').length
      if (listeners > 0) throw new Error(`${listeners} listeners stayed on the signal`)
      await onSample(done)
    }
    const statuses = pods.map(({ watcher }) => watcher.status())
    return {
      rotations: statuses.reduce((sum, each) => sum + each.rotations, 0),
      reads: statuses.reduce((sum, each) => sum + each.reads, 0),
      maxFoundMs: Math.max(...pods.map((pod) => pod.maxFoundMs)),
      degraded: statuses.filter((each) => each.watch.state !== 'watching').length,
    }
  } finally {
    await Promise.all(pods.map(({ watcher }) => watcher.close()))
  }
}

/** A volume, its watcher, and a client. */
function createPod(directory, signal) {
  let serial = 0
  let token = publish()
  const watcher = createTokenWatcher({ path: path.join(directory, 'token'), audience: AUDIENCE })
  const sent = createAuthFetch(watcher, { origins: ORIGIN, fetch: echoAuthorization })
  let failure
  watcher.on('failed', ({ error }) => {
    failure = error
  })

  const pod = {
    watcher,
    maxFoundMs: 0,
    async rotate() {
      const startedAt = performance.now()
      const { rotations } = watcher.status()
      const found = untilFound()
      token = publish()
      await found
      pod.maxFoundMs = Math.max(pod.maxFoundMs, performance.now() - startedAt)
      if (failure) throw failure
      if (watcher.status().rotations !== rotations + 1) throw new Error('one rotation was told as several')
      const given = await watcher.getToken({ signal })
      const response = await sent(`${ORIGIN}/`, { signal })
      if (given.token !== token || (await response.text()) !== `Bearer ${token}`) {
        throw new Error(`rotation ${serial} in ${path.basename(directory)} was not served`)
      }
    },
  }
  return pod

  function publish() {
    const text = createToken(serial++, Date.now(), LIFE_SECONDS)
    writeVolume(directory, text)
    return text
  }

  function untilFound() {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        watcher.off('rotated', onRotated)
        reject(new Error(`rotation ${serial} was not found: ${JSON.stringify(watcher.status())}`))
      }, PATIENCE_MS)
      function onRotated() {
        clearTimeout(late)
        resolve()
      }
      watcher.once('rotated', onRotated)
    })
  }
}

/** Stands for the network: what would be sent comes back. */
async function echoAuthorization(_url, init) {
  return new Response(new Headers(init.headers).get('authorization'))
}
