/** Five ways for a program to hold the token of one file, from the one that this project replaces to its own. */
import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createTokenWatcher } from '@projected-token/core'

/** A client is { token(), close() }; `token` gives what it would send now. */
export const CLIENTS = [
  { id: 'once', label: 'read once, at the start', open: readOnce },
  { id: 'file-watch', label: 'fs.watch on the file', open: watchTheFile },
  { id: 'cache-300', label: 'read again after 300 s', open: (path) => readAgain(path, 300_000) },
  { id: 'cache-60', label: 'read again after 60 s', open: (path) => readAgain(path, 60_000) },
  { id: 'ours', label: '@projected-token/core', open: watchTheToken },
]

const read = async (path) => (await readFile(path, 'utf8')).trim()

async function readOnce(path) {
  const token = await read(path)
  return { token: () => token, close: () => {} }
}

/** Most watches in programs are like this one: on the file's own name. */
async function watchTheFile(path) {
  let token = await read(path)
  const watcher = watch(path, () => {
    read(path).then(
      (found) => {
        token = found
      },
      () => {},
    )
  })
  return { token: () => token, close: () => watcher.close() }
}

/** A copy that is read again by the first request after its time: 60 s in client-go, 300 s in @azure/identity. */
async function readAgain(path, cacheMs) {
  let token = await read(path)
  let readAtMs = performance.now()
  return {
    async token() {
      if (performance.now() - readAtMs < cacheMs) return token
      token = await read(path)
      readAtMs = performance.now()
      return token
    },
    close: () => {},
  }
}

/** `servedAtMs` tells when each new token was there to be had. */
async function watchTheToken(path) {
  const servedAtMs = []
  const watcher = createTokenWatcher({ path })
  watcher.on('rotated', () => servedAtMs.push(performance.timeOrigin + performance.now()))
  await watcher.getToken()
  return {
    servedAtMs,
    token: async () => (watcher.current ?? (await watcher.getToken())).token,
    close: () => watcher.close(),
  }
}
