import { AsyncLocalStorage } from 'node:async_hooks'

/** Runs one task after another, in the order of the calls. */
export type SerialQueue = <T>(task: () => Promise<T>) => Promise<T>

interface Job {
  queue: symbol
  running: boolean
  /** The job of another queue that this one is part of. */
  outer: Job | undefined
}

/** One for all queues: on Node 20 each storage slows every promise of the process down, for good. */
const inside = new AsyncLocalStorage<Job>()

/**
 * A queue whose tasks never overlap. A task that asks for another one and waits for it would hang for ever, so that
 * is refused with `reentryMessage`.
 */
export function createSerialQueue(reentryMessage: string): SerialQueue {
  const queue = Symbol('queue')
  let tail: Promise<unknown> = Promise.resolve()
  return (task) => {
    const outer = inside.getStore()
    for (let job = outer; job; job = job.outer) {
      if (job.queue === queue && job.running) return Promise.reject(new Error(reentryMessage))
    }
    const job: Job = { queue, running: true, outer: outer?.running ? outer : undefined }
    const result = tail
      .then(() => inside.run(job, task))
      .finally(() => {
        job.running = false
      })
    tail = result.catch(() => undefined)
    return result
  }
}
