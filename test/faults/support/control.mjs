/**
 * Preloaded (`node --import …/control.mjs`) into every process under test, the project's own programs too: does to the
 * process from within what cannot be done from outside. Commands come over the IPC channel, which holds nothing.
 */
import fs, { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const RealDate = Date
let clockOffsetMs = 0

const TAKE_INTERVAL_MS = 20
const taken = []
let taking

/** What may be asked of this process; a program adds its own. */
export const commands = {
  ping: () => true,
  /** The wall clock jumps by so much, for all that runs here; the monotonic one does not. */
  stepClock(ms) {
    clockOffsetMs += ms
  },
  /** Nothing else happens in this thread meanwhile. */
  block(ms) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  },
  /** All that are left, up to the limit that was set from outside, and those that what is under way gives back. */
  async takeDescriptors() {
    takeAll()
    taking = setInterval(takeAll, TAKE_INTERVAL_MS).unref()
    await new Promise((resolve) => setTimeout(resolve, 10 * TAKE_INTERVAL_MS))
  },
  giveDescriptors() {
    clearInterval(taking)
    for (const fd of taken.splice(0)) closeSync(fd)
  },
  /** The inotify instance is exchanged for something that never has an event; no close, no error. */
  async killInotify() {
    // Not before what the event loop has in hand: it may be about to read from it.
    await new Promise((resolve) => setImmediate(resolve))
    for (const name of readdirSync('/proc/self/fd')) {
      if (linkOf(name) === 'anon_inode:inotify') exchange(Number(name))
    }
  },
}

globalThis.Date = class SteppedDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + clockOffsetMs)
    else super(...args)
  }
  static now() {
    return RealDate.now() + clockOffsetMs
  }
}

if (process.env.FAULTS_NO_INOTIFY) {
  fs.watch = () => {
    throw Object.assign(new Error('ENOSYS: function not implemented, watch'), { code: 'ENOSYS' })
  }
  syncBuiltinESMExports()
}

function takeAll() {
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch (error) {
    if (error.code !== 'EMFILE') throw error
  }
}

function linkOf(name) {
  try {
    return readlinkSync(`/proc/self/fd/${name}`)
  } catch {
    return undefined
  }
}

function exchange(fd) {
  closeSync(fd)
  // The lowest free number is given out first. One above it: another thread has got it, which serves as well.
  const opened = [openSync('/dev/null', 'r')]
  while (opened.at(-1) < fd) opened.push(openSync('/dev/null', 'r'))
  for (const other of opened) if (other !== fd) closeSync(other)
}

if (process.channel) {
  process.on('message', async ({ id, command, args = [] }) => {
    try {
      const result = await commands[command](...args)
      process.send({ id, result })
    } catch (error) {
      process.send({ id, error: error.message })
    }
  })
  // Whoever started it is gone.
  process.on('disconnect', () => process.exit(1))
  process.channel.unref()
}
