/** Sudden deaths of a process that writes a token file. @typedef {import('./context.mjs').Fault} Fault */
import { watch } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { nothing } from './context.mjs'

const DEATHS = 12
const LOOK_INTERVAL_MS = 100
const LOOKS = 300
const WRITE_TIMEOUT_MS = 60_000

/** @type {Fault[]} */
export const DEATH_FAULTS = [
  killed(`sidecar killed (SIGKILL) in mid-write, ${DEATHS} times`),
  { ...killed(`vault agent killed (SIGKILL) in mid-write, ${DEATHS} times`), launch: 'agent' },
]

function killed(name) {
  return {
    name,
    isLong: true,
    stops: true,
    keepsSessions: true,
    async apply({ sinks = [], clients, remark }) {
      let midWrites = 0
      for (let death = 0; death < DEATHS; death++) {
        const left = await Promise.all(sinks.map((sink) => killInMidWrite(sink)))
        midWrites += left.filter(Boolean).length
        // Those that write nothing die as well, where they are processes of the project's own.
        const others = clients.filter(
          (client) => client.restart && !sinks.some(({ writer }) => writer === client),
        )
        for (const client of others) client.signal('SIGKILL')
        await Promise.all([...sinks.map(({ writer }) => writer), ...others].map((client) => client.restart()))
      }
      if (midWrites === 0) remark?.('sink', 'no death was in mid-write')
      for (const { directory } of sinks) {
        if (!(await isCleared(directory))) remark?.('sink', 'temporary files of the dead stay')
      }
      return nothing
    },
  }
}

/** @returns {Promise<boolean>} whether a file that was being written was left: the death came before its rename */
async function killInMidWrite({ directory, write, writer }) {
  let watcher
  const begun = new Promise((resolve, reject) => {
    watcher = watch(directory, (_event, name) => isTemporary(name) && resolve())
    watcher.once('error', reject)
    write().catch(reject)
  })
  try {
    await Promise.race([begun, tooLate()])
    writer.signal('SIGKILL')
  } finally {
    watcher.close()
  }
  await writer.exit()
  return (await readdir(directory)).some(isTemporary)
}

async function tooLate() {
  await delay(WRITE_TIMEOUT_MS, undefined, { ref: false })
  throw new Error('nothing was written')
}

/** Whoever starts anew removes what the dead have left. */
async function isCleared(directory) {
  for (let look = 0; look < LOOKS; look++) {
    if (!(await readdir(directory)).some(isTemporary)) return true
    await delay(LOOK_INTERVAL_MS)
  }
  return false
}

function isTemporary(name) {
  return name?.endsWith('.tmp') === true
}
