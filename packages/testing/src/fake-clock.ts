import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '@projected-token/core'
import { checkNames, checkNumber, checkType } from './check-options.js'
import { drain, waitUntil } from './real-time.js'
import { createSerialQueue } from './serial-queue.js'

/** 2026-01-01T00:00:00.000Z: where a fake clock starts unless told otherwise. */
export const FAKE_CLOCK_START_MS = 1_767_225_600_000

/** The latest moment that a `Date` can hold. */
const MAX_TIME_MS = 8.64e15
/** The monotonic clock's start. Not 0, as in any real process: code that takes 0 for "not yet" is not flattered. */
const MONOTONIC_START_MS = 1_000
/** Timers of 0 ms, each set by the one before, at one moment: then it is a hot loop, which would never end. */
const MAX_HOT_TIMERS = 1_000

/** Options of {@link createFakeClock}. */
export interface FakeClockOptions {
  /** Unix time in milliseconds to start at. @default 1_767_225_600_000 (2026-01-01T00:00:00Z) */
  nowMs?: number | undefined
}

/** A clock that moves only when told to. */
export interface FakeClock extends Clock {
  /**
   * Lets `ms` milliseconds (0 or more) pass on both clocks and fires what is due on the way: in the order of time,
   * first set first among equals, each at its own moment. What a callback returns is awaited before time goes on,
   * and the event loop comes to rest between them (microtasks, immediates, file operations under way), so that
   * timers set by continuations fire too when they are due within the span. A callback that waits for a later timer
   * of this clock does not stop it.
   *
   * Concurrent calls run one after the other.
   *
   * @throws RangeError for a negative or infinite span. The promise rejects, after all the time has passed, with
   *   what a callback threw or rejected with (an AggregateError for several), and when called from within a callback.
   */
  advance(ms: number): Promise<void>
  /** Sets the wall clock, as an operator or NTP does; monotonic time and timers do not notice. */
  setNow(unixMs: number): void
  /** Moves the wall clock by `ms`, back when negative; monotonic time and timers do not notice. */
  step(ms: number): void
  /**
   * The process does not run for `ms` milliseconds of wall time: no timer fires. Those that fell due fire late, at
   * the next `advance` (of 0 ms, say).
   *
   * `monotonic` says whether the monotonic clock went on meanwhile. `false`, as when a laptop or a VM sleeps: Linux'
   * CLOCK_MONOTONIC, which Node's timers follow, stops in suspend. `true`, as after SIGSTOP, a frozen cgroup, a
   * debugger's pause or a long garbage collection. @default false
   */
  suspend(ms: number, options?: { monotonic?: boolean | undefined }): void
  /** How many timers are set and neither fired nor cancelled. */
  readonly pendingTimers: number
}

interface Run {
  settled: boolean
}

interface Timer {
  callback: () => unknown
  setAtMs: number
  dueAtMs: number
  /** The callback that set it, directly or in a continuation. */
  setBy: Run | undefined
}

/** Which callback is running; one for all clocks, as for the queues. */
const running = new AsyncLocalStorage<Run>()

/**
 * Makes a clock for tests.
 *
 * @throws TypeError or RangeError for a bad option.
 */
export function createFakeClock(options: FakeClockOptions = {}): FakeClock {
  checkNames('createFakeClock()', options, ['nowMs'])
  const startMs = options.nowMs ?? FAKE_CLOCK_START_MS
  checkWallTime('nowMs', startMs)

  let monotonicMs = MONOTONIC_START_MS
  // The wall clock read `wall.atMs` when the monotonic one read `wall.sinceMs`.
  let wall = { atMs: startMs, sinceMs: monotonicMs }
  // Insertion order makes the first one set the first among equals.
  const timers = new Set<Timer>()
  const failures: unknown[] = []
  const serially = createSerialQueue('advance() was called from within a timer that advance() is waiting for')

  const earliest = () => {
    let first: Timer | undefined
    for (const timer of timers) if (!first || timer.dueAtMs < first.dueAtMs) first = timer
    return first
  }

  async function fire(timer: Timer): Promise<void> {
    const run: Run = { settled: false }
    const returned = running.run(run, async () => timer.callback())
    returned.catch((error) => failures.push(error)).then(() => (run.settled = true))
    const waitsForTime = () => [...timers].some((other) => other.setBy === run)
    await waitUntil(
      () => run.settled,
      () => timers.size > 0,
      waitsForTime,
    )
  }

  async function passTime(ms: number): Promise<void> {
    const untilMs = monotonicMs + ms
    let hotTimers = 0
    await drain()
    for (let timer = earliest(); timer && timer.dueAtMs <= untilMs; timer = earliest()) {
      hotTimers = timer.setAtMs === timer.dueAtMs && timer.dueAtMs === monotonicMs ? hotTimers + 1 : 0
      if (hotTimers > MAX_HOT_TIMERS) {
        throw new Error(`${MAX_HOT_TIMERS} timers of 0 ms fired at one moment: a loop without a delay`)
      }
      timers.delete(timer)
      monotonicMs = Math.max(monotonicMs, timer.dueAtMs)
      await fire(timer)
      await drain()
    }
    monotonicMs = Math.max(monotonicMs, untilMs)
    const thrown = failures.splice(0)
    if (thrown.length > 1) throw new AggregateError(thrown, 'Several timer callbacks failed')
    if (thrown.length === 1) throw thrown[0]
  }

  return {
    now: () => Math.floor(wall.atMs + (monotonicMs - wall.sinceMs)),
    monotonicNow: () => monotonicMs,
    setTimer(callback, delayMs) {
      checkType('callback', callback, 'function')
      if (Number.isNaN(delayMs)) throw new RangeError("'delayMs' must be a number of milliseconds; got NaN")
      const dueAtMs = monotonicMs + Math.max(0, delayMs)
      const timer = { callback, setAtMs: monotonicMs, dueAtMs, setBy: running.getStore() }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance(ms) {
      checkSpan(ms)
      return serially(() => passTime(ms))
    },
    setNow(unixMs) {
      checkWallTime('unixMs', unixMs)
      wall = { atMs: unixMs, sinceMs: monotonicMs }
    },
    step(ms) {
      checkNumber('ms', ms, { min: -MAX_TIME_MS, max: MAX_TIME_MS, unit: 'milliseconds' })
      wall.atMs += ms
    },
    suspend(ms, options = {}) {
      checkSpan(ms)
      checkNames('suspend()', options, ['monotonic'])
      const { monotonic = false } = options
      checkType('monotonic', monotonic, 'boolean')
      if (monotonic) monotonicMs += ms
      else wall.atMs += ms
    },
    get pendingTimers() {
      return timers.size
    },
  }
}

function checkWallTime(name: string, value: number): void {
  checkNumber(name, value, { min: -MAX_TIME_MS, max: MAX_TIME_MS, unit: 'milliseconds' })
}

function checkSpan(ms: number): void {
  checkNumber('ms', ms, { min: 0, max: MAX_TIME_MS, unit: 'milliseconds' })
}
