/** Faults of the process that reads the token. @typedef {import('./context.mjs').Fault} Fault */
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { untilExpired } from './wait.mjs'

const run = promisify(execFile)
const SPARE_DESCRIPTORS = 8
const BLOCKED_MS = 10_000
/** Of which so much is for the clients to find it, and so much is left when they stop. */
const SHORT_SECONDS = 12
const LEFT_MS = 4_000
const LEASE_SECONDS = 8
/** After the expiry, so that no server's tolerance hides a token that is served too long. */
const PAST_EXPIRY_MS = 4_000

/** @type {Fault[]} */
export const PROCESS_FAULTS = [
  {
    name: 'no file descriptor left (EMFILE), over a rotation',
    needs: 'prlimit',
    async apply({ kubelet, clients }) {
      // The soft limit alone, which the process may raise again, and no more than it has to use up. What is open stays so.
      await each(clients, async ({ pid, control }) => {
        const open = (await readdir(`/proc/${pid}/fd`)).map(Number)
        await setLimit(pid, Math.max(...open) + SPARE_DESCRIPTORS)
        await control('takeDescriptors')
      })
      await kubelet.rotate()
      return () =>
        each(clients, async ({ pid, control }) => {
          await control('giveDescriptors')
          await setLimit(pid, 1_024)
        })
    },
  },
  {
    name: 'event loop blocked for 10 s, over a rotation',
    needs: 'control',
    isLong: true,
    stops: true,
    async apply({ kubelet, clients, onStop }) {
      const ends = blocked(clients, onStop)
      await kubelet.rotate()
      return () => ends
    },
  },
  {
    name: 'event loop blocked for 10 s, over an expiry',
    needs: 'control',
    isLong: true,
    stops: true,
    async apply({ kubelet, clients, untilLooked, onStop }) {
      const { expiresAtMs } = await shortToken(kubelet, untilLooked)
      const ends = blocked(clients, onStop)
      await untilExpired(expiresAtMs + PAST_EXPIRY_MS)
      await kubelet.rotate()
      return () => ends
    },
  },
  {
    name: 'stopped (SIGSTOP) over a rotation',
    scenario: 19,
    stops: true,
    async apply({ kubelet, clients, onStop }) {
      onStop?.()
      signalAll(clients, 'SIGSTOP')
      await kubelet.rotate()
      await delay(1_000)
      return async () => signalAll(clients, 'SIGCONT')
    },
  },
  {
    name: "stopped (SIGSTOP) over the end of Vault's lease",
    isLong: true,
    stops: true,
    keepsSessions: true,
    vault: { ttlSeconds: LEASE_SECONDS },
    async apply({ clients, onStop }) {
      onStop?.()
      signalAll(clients, 'SIGSTOP')
      await delay(LEASE_SECONDS * 1_000 + PAST_EXPIRY_MS)
      return async () => signalAll(clients, 'SIGCONT')
    },
  },
  {
    name: 'stopped (SIGSTOP) over an expiry',
    scenario: 19,
    isLong: true,
    stops: true,
    async apply({ kubelet, clients, untilLooked, onStop }) {
      const { expiresAtMs } = await shortToken(kubelet, untilLooked)
      onStop?.()
      signalAll(clients, 'SIGSTOP')
      await untilExpired(expiresAtMs + PAST_EXPIRY_MS)
      await kubelet.rotate()
      return async () => signalAll(clients, 'SIGCONT')
    },
  },
  {
    name: 'stopped (SIGSTOP) over an expiry, and nothing newer on disk',
    scenario: 19,
    isLong: true,
    stops: true,
    async apply({ kubelet, clients, untilLooked, onStop }) {
      const { expiresAtMs } = await shortToken(kubelet, untilLooked)
      onStop?.()
      signalAll(clients, 'SIGSTOP')
      await untilExpired(expiresAtMs + PAST_EXPIRY_MS)
      return async () => signalAll(clients, 'SIGCONT')
    },
  },
]

/** A token that all clients have, and that expires soon. */
async function shortToken(kubelet, untilLooked) {
  const issued = await kubelet.rotate({ expirationSeconds: SHORT_SECONDS })
  await untilLooked()
  await untilExpired(issued.expiresAtMs - LEFT_MS)
  return issued
}

/** Resolves when every event loop turns again. */
function blocked(clients, onStop) {
  onStop?.()
  return Promise.all(clients.map((client) => client.control('block', BLOCKED_MS)))
}

const each = (clients, act) => Promise.all(clients.map(act))

const setLimit = (pid, soft) => run('prlimit', [`--pid=${pid}`, `--nofile=${soft}:`])

function signalAll(clients, signal) {
  for (const client of clients) client.signal(signal)
}
