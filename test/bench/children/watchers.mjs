/** Many watchers in one process. */
import fs from 'node:fs'
import path from 'node:path'
import { sleep } from './contenders.mjs'
import { serve } from './serve.mjs'

const kinds = {
  async ours() {
    const { createTokenWatcher } = await import('@projected-token/core')
    return async (directory) => {
      const watcher = createTokenWatcher({ path: path.join(directory, 'token') })
      await watcher.getToken()
      while (watcher.status().watch.state !== 'watching') await sleep(10)
      return watcher
    }
  },
  async 'fs.watch'() {
    return (directory) => fs.watch(directory, () => {})
  },
  async chokidar() {
    const { watch } = await import('chokidar')
    return (directory) => {
      const watcher = watch(directory, { ignoreInitial: true })
      watcher.on('all', () => {})
      return new Promise((resolve) => watcher.on('ready', () => resolve(watcher)))
    }
  },
}
const watchers = []

serve({
  /** The first one loads the code, and counts for nothing. @returns bytes each, and inotify watches in all */
  async open({ kind, first, directories }) {
    const open = await kinds[kind]()
    watchers.push(await open(first))
    const before = await memory()
    const left = directories.values()
    const work = async () => {
      for (const directory of left) watchers.push(await open(directory))
    }
    await Promise.all(Array.from({ length: 20 }, work))
    const after = await memory()
    const each = (field) => (after[field] - before[field]) / directories.length
    return { heapBytes: each('heap'), rssBytes: each('rss'), inotifyWatches: countInotifyWatches() }
  },

  /** @returns for each slice of time the processor time used, by the time passed */
  async idle({ slices, ms }) {
    const shares = []
    for (let slice = 0; slice < slices; slice++) {
      const startedAt = performance.now()
      const cpu = process.cpuUsage()
      await sleep(ms)
      const { user, system } = process.cpuUsage(cpu)
      shares.push((user + system) / 1000 / (performance.now() - startedAt))
    }
    return shares
  },

  /** @returns the milliseconds of processor time that one more read of every file takes */
  async reload() {
    const cpu = process.cpuUsage()
    for (const watcher of watchers) await watcher.reload()
    const { user, system } = process.cpuUsage(cpu)
    return (user + system) / 1000
  },
})

/** With what hangs on the heap but lies outside it. */
async function memory() {
  for (let i = 0; i < 5; i++) {
    await sleep(200)
    globalThis.gc()
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: heapUsed + external, rss }
}

/** @returns undefined on systems without inotify */
function countInotifyWatches() {
  if (process.platform !== 'linux') return undefined
  let watches = 0
  for (const fd of fs.readdirSync('/proc/self/fdinfo')) {
    try {
      watches += fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify wd:/gm)?.length ?? 0
    } catch {
      // the descriptor that lists this very folder is closed by now
    }
  }
  return watches
}
