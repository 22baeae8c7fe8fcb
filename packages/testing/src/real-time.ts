import { randomFill } from 'node:crypto'
import type { Clock } from '@projected-token/core'

// Taken when the module loads, so that a test runner's fake timers do not stop what waits for real files.
const { setImmediate, setTimeout, clearTimeout } = globalThis
const now = performance.now.bind(performance)

/** The longest wait for the event loop to come to rest, in real milliseconds: then time goes on without it. */
const PATIENCE_MS = 2_000
/** Turns of the event loop that a drain takes at least: a promise that resumes from an I/O callback needs two. */
const MIN_TURNS = 5

/** The machine's clock; this package takes only types from core. It is asked for waits of less than 24 days. */
export const machineClock: Clock = {
  now: () => Date.now(),
  monotonicNow: () => now(),
  setTimer(callback, delayMs, options) {
    const handle = setTimeout(callback, Math.max(0, delayMs))
    if (!options?.keepAlive) handle.unref()
    return () => clearTimeout(handle)
  },
}

/** Lets everything run that is ready to: microtasks, one round of I/O callbacks, immediates. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
/** One job in libuv's thread pool: those before it (a signature, Node 26's `readFile`) are not always in the list. */
const threadPoolTrip = () => new Promise<void>((resolve) => randomFill(Buffer.alloc(1), () => resolve()))
const rest = () => new Promise<void>((resolve) => setTimeout(resolve, 1))

/** Work that Node is doing now, by the names of `process.getActiveResourcesInfo()`. */
const isWorking = (names: RegExp) => process.getActiveResourcesInfo().some((name) => names.test(name))
const FILES = /^(FSReq|CloseReq)/
/** What may still deliver a result, but may as well be idle for ever: a socket, a real timer. */
const PERHAPS = /^TCPSocketWrap$|^TLSWrap$|ConnectWrap$|^Timeout$|Req/

/** Takes a few turns of the event loop, and more while file operations are under way. */
export async function drain(): Promise<void> {
  const startedAt = now()
  for (let quiet = 0; quiet < MIN_TURNS && now() - startedAt < PATIENCE_MS; quiet++) {
    await turn()
    await threadPoolTrip()
    if (isWorking(FILES)) quiet = -1
  }
}

/**
 * Waits until `isSettled()`. It gives up when nothing is going on that could settle it: at once by human measure
 * (20 ms) when `isLikelyStuck()`, after {@link PATIENCE_MS} otherwise, and never while `mayGiveUp()` is false.
 */
export async function waitUntil(
  isSettled: () => boolean,
  mayGiveUp: () => boolean,
  isLikelyStuck: () => boolean,
): Promise<void> {
  let quietSince = now()
  for (let turns = 0; !isSettled(); turns++) {
    await (turns < 50 ? turn() : rest())
    if (isWorking(FILES)) quietSince = now()
    const patienceMs = isLikelyStuck() && !isWorking(PERHAPS) ? 20 : PATIENCE_MS
    if (mayGiveUp() && now() - quietSince > patienceMs) return
  }
}

/** A process that was suspended finds its timer due before it has seen what came meanwhile: that uses up one part. */
const LIMIT_PARTS = 4

/** Settles as `promise` does, or rejects with `late()` after `limitMs` of real time. */
export async function within<T>(promise: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let handle: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    const wait = (parts: number) => {
      handle = setTimeout(() => (parts > 1 ? wait(parts - 1) : reject(late())), limitMs / LIMIT_PARTS)
    }
    wait(LIMIT_PARTS)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(handle)
  }
}

/** Calls `attempt` until it gives something, at first at once, then every 10 ms; `undefined` after `limitMs`. */
export async function poll<T>(
  attempt: () => Promise<T | undefined>,
  limitMs: number,
): Promise<T | undefined> {
  const startedAt = now()
  for (;;) {
    const result = await attempt()
    if (result !== undefined || now() - startedAt > limitMs) return result
    await new Promise<void>((resolve) => setTimeout(resolve, 10))
  }
}
