import { join } from 'node:path'
import { makeAndRemove, watchDirectory } from '../files.js'
import type { CliIo } from '../io.js'
import { type InotifyLimits, inotifyLimits } from './surroundings.js'

/** Whether a watch on the token's directory tells of changes. */
export interface WatchFacts {
  readonly directory: string
  /**
   * - `told`: a file was made, and the watch told of it;
   * - `silent`: a file was made, and the watch told nothing;
   * - `unproven`: there is a watch, but no file may be made to try it;
   * - `refused`: the system gave no watch.
   */
  readonly state: 'told' | 'silent' | 'unproven' | 'refused'
  /** The system's error code, of the watch or of the file. */
  readonly reason: string | undefined
  readonly limits: InotifyLimits
}

/** An event is there when the file is; a process that has much else to do hears of it later. */
const EVENT_TIMEOUT_MS = 5_000
/** After a standstill of the process timers come first: what waits in the queue is to be heard before the verdict. */
const LAST_CALL_MS = 200

/** Sets a watch on a directory and, if it may, makes a file beside the token to see whether the watch tells. */
export async function probeWatch(directory: string, mayWrite: boolean, io: CliIo): Promise<WatchFacts> {
  const limits = await inotifyLimits()
  const facts = (state: WatchFacts['state'], reason?: string): WatchFacts => ({
    directory,
    state,
    reason,
    limits,
  })
  const name = `.projected-token-doctor-${process.pid}`
  const answer = withResolver<WatchFacts>()
  const onEvent = (changed: string | null) => {
    if (changed === null || changed === name) answer.resolve(facts('told'))
  }
  let closeWatch: () => void
  try {
    closeWatch = watchDirectory(directory, onEvent, (error) =>
      answer.resolve(facts('refused', codeOf(error))),
    )
  } catch (error) {
    return facts('refused', codeOf(error))
  }
  const stop = () => answer.resolve(facts('unproven', 'interrupted'))
  io.signal.addEventListener('abort', stop, { once: true })
  let cancelTimer = () => {}
  try {
    if (!mayWrite) return facts('unproven', 'not tried')
    await makeAndRemove(join(directory, name))
    const giveUp = () => answer.resolve(facts('silent'))
    const lastCall = () => {
      cancelTimer = io.clock.setTimer(giveUp, LAST_CALL_MS, { keepAlive: true })
    }
    cancelTimer = io.clock.setTimer(lastCall, EVENT_TIMEOUT_MS, { keepAlive: true })
    return await answer.promise
  } catch (error) {
    return facts('unproven', codeOf(error))
  } finally {
    io.signal.removeEventListener('abort', stop)
    cancelTimer()
    closeWatch()
  }
}

function withResolver<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((given) => {
    resolve = given
  })
  return { promise, resolve: (value) => resolve(value) }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException)?.code ?? 'unknown error'
}
