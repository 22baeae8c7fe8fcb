/** What a kubelet writes, seen on the node: the tokens of one file, in order. */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { tokenFingerprint } from '@projected-token/core'

/** Tokens live for seconds here, so none is missed. */
const INTERVAL_MS = 100

/** @returns { rotations(), rotationsSince(fingerprint), place(), close() } */
export function observeTokenFile(file) {
  const seen = []
  let closed = false

  async function go() {
    while (!closed) {
      const token = (await readFile(file, 'utf8').catch(() => '')).trim()
      if (token !== '') {
        const fingerprint = tokenFingerprint(token)
        if (seen.at(-1) !== fingerprint) seen.push(fingerprint)
      }
      // It holds no process whose case has failed.
      await delay(INTERVAL_MS, undefined, { ref: false })
    }
  }
  void go()
  return {
    rotations: () => Math.max(0, seen.length - 1),
    /** After this token, of which a program may have been later than the kubelet. */
    rotationsSince: (fingerprint) => Math.max(0, seen.length - 1 - Math.max(0, seen.indexOf(fingerprint))),
    /** '0640 0:20001' */
    async place() {
      const { mode, uid, gid } = await stat(file)
      return `${(mode & 0o7777).toString(8).padStart(4, '0')} ${uid}:${gid}`
    },
    close() {
      closed = true
    },
  }
}

/** Where a kubelet has a pod's projected volume. */
export function projectedFile(kubeletRoot, uid, volume, file) {
  return path.join(kubeletRoot, 'pods', uid, 'volumes/kubernetes.io~projected', volume, file)
}
