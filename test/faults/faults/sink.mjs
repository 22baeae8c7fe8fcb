/** Faults of the disk that a sink writes to. @typedef {import('./context.mjs').Fault} Fault */
import { open, statfs, unlink } from 'node:fs/promises'
import path from 'node:path'

/** No other disk is ever filled. */
const SMALL_BYTES = 1_048_576

/** @type {Fault[]} */
export const SINK_FAULTS = [
  {
    name: 'disk of the sink full, over a rotation',
    needs: 'mounts',
    smallSinkDisk: true,
    async apply({ kubelet, sinks = [] }) {
      const fillers = await Promise.all(sinks.map(({ directory }) => fill(directory)))
      await kubelet.rotate()
      return () => Promise.all(fillers.map((filler) => unlink(filler)))
    },
  },
  {
    name: "disk of vault agent's sink full, over the end of a lease",
    needs: 'mounts',
    launch: 'agent',
    isLong: true,
    isOver: true,
    keepsSessions: true,
    smallSinkDisk: true,
    vault: { ttlSeconds: 8 },
    async apply({ sinks = [] }) {
      const fillers = await Promise.all(sinks.map(({ directory }) => fill(directory)))
      return () => Promise.all(fillers.map((filler) => unlink(filler)))
    },
  },
]

async function fill(directory) {
  const { blocks, bsize } = await statfs(directory)
  if (blocks * bsize > SMALL_BYTES) throw new Error(`'${directory}' is no small disk of its own: not filled`)
  const filler = path.join(directory, 'filler')
  const file = await open(filler, 'w')
  try {
    for (;;) await file.write(Buffer.alloc(bsize))
  } catch (error) {
    if (error.code !== 'ENOSPC') throw error
  } finally {
    await file.close()
  }
  return filler
}
