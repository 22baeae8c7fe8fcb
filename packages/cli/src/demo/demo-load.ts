import type { Clock } from '@projected-token/core'
import { sleep } from '../sleep.js'
import type { DemoClient } from './demo-clients.js'
import { createSample } from './quantiles.js'

/** What a client saw of its own requests. */
export interface Load {
  readonly client: DemoClient
  /** Requests that got no answer: the connection failed, or the client had no token to send. */
  readonly failed: number
  /** Why the last of them failed. */
  readonly lastFailure: unknown
  /** Of the last requests, in milliseconds. */
  latenciesMs(): readonly number[]
}

/** How fast a client sends. */
export interface Pace {
  /** Requests under way at the same time. */
  readonly parallel: number
  /** The wait from an answer to the next request; 0: none. */
  readonly pauseMs: number
}

const SAMPLE_SIZE = 10_000
/** A client that fails before it sends (no token) would otherwise turn without end and starve everything else. */
const PAUSE_AFTER_FAILURE_MS = 20

/** Sends requests until the signal aborts. `done` fulfils when the last one is answered. */
export function startLoad(
  client: DemoClient,
  pace: Pace,
  clock: Clock,
  signal: AbortSignal,
): { load: Load; done: Promise<void> } {
  const sample = createSample(SAMPLE_SIZE)
  let failed = 0
  let lastFailure: unknown
  const sendOn = async () => {
    while (!signal.aborted) {
      const sentAtMs = clock.monotonicNow()
      let pauseMs = pace.pauseMs
      try {
        await client.send()
        sample.add(clock.monotonicNow() - sentAtMs)
      } catch (error) {
        failed++
        lastFailure = error
        pauseMs = Math.max(pauseMs, PAUSE_AFTER_FAILURE_MS)
      }
      if (pauseMs > 0) await sleep(clock, pauseMs, signal)
    }
  }
  const load: Load = {
    client,
    get failed() {
      return failed
    },
    get lastFailure() {
      return lastFailure
    },
    latenciesMs: sample.values,
  }
  return { load, done: Promise.all(Array.from({ length: pace.parallel }, sendOn)).then(() => {}) }
}
