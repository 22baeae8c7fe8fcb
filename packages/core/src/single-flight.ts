/** Runs one task at a time. */
export interface SingleFlight {
  /**
   * Asks for a run that begins after this call: at once, or when the running one has ended. All requests made during a
   * run share the one that follows it. The promise fulfils when that run has ended.
   */
  request(): Promise<void>
  /** Fulfils when the run that was asked for last has ended; at once when there is none. */
  join(): Promise<void>
  isRunning(): boolean
  /** Whether a run waits for the running one to end. */
  isQueued(): boolean
}

/** Merges requests for `run`, which must not reject. */
export function createSingleFlight(run: () => Promise<void>): SingleFlight {
  let running: Promise<void> | undefined
  let following: Promise<void> | undefined

  const start = (): Promise<void> => {
    following = undefined
    const mine = run().finally(() => {
      if (running === mine) running = undefined
    })
    running = mine
    return mine
  }
  return {
    request() {
      if (following) return following
      if (!running) return start()
      following = running.then(start, start)
      return following
    },
    join: () => following ?? running ?? Promise.resolve(),
    isRunning: () => running !== undefined,
    isQueued: () => following !== undefined,
  }
}
