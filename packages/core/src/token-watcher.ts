import { abortable } from './abortable.js'
import { createBoundedOperation, TIMED_OUT } from './bounded-operation.js'
import { createEventHub } from './event-hub.js'
import { createEventThrottle } from './event-throttle.js'
import { createFirstToken } from './first-token.js'
import { endOfFreshnessMs, NOT_FRESH } from './freshness.js'
import { MIN_READ_INTERVAL_MS, nextReadDelayMs } from './read-schedule.js'
import { createReadTimer } from './read-timer.js'
import { createRefusalLooks } from './refusal-looks.js'
import { createSingleFlight } from './single-flight.js'
import type { Token } from './token.js'
import { readTimedOut, TokenError, watcherClosed } from './token-error.js'
import { locateTokenFile, readTokenFile, type TokenFilePlace } from './token-file.js'
import { createTokenState, type StateEvent } from './token-state.js'
import { warnOfKind } from './token-warnings.js'
import {
  TOKEN_WATCHER_EVENTS,
  type TokenWatcher,
  type TokenWatcherEvents,
  type TokenWatcherOptions,
} from './token-watcher-types.js'
import { noWatch, superviseWatch } from './watch-supervisor.js'
import { resolveWatcherOptions } from './watcher-options.js'
import { describeWatcher } from './watcher-status.js'

/** A local read takes well under a millisecond; this long means a dead network file system. */
const READ_TIMEOUT_MS = 10_000

/**
 * Watches and reloads a projected service account token file. It starts reading at once and never gives an expired
 * token, or one that fails the expectations given here.
 *
 * @throws TypeError or RangeError for bad arguments, and for nothing else: a missing file is a matter of `getToken()`.
 */
export function createTokenWatcher(options: TokenWatcherOptions = {}): TokenWatcher {
  const settings = resolveWatcherOptions(options)
  const { path, reloadIntervalMs, keepAlive, clock } = settings

  const state = createTokenState(path, settings.expectations, clock)
  const hub = createEventHub<TokenWatcherEvents>(TOKEN_WATCHER_EVENTS)
  const firstToken = createFirstToken(clock, settings.startupTimeoutMs, reason)
  const flight = createSingleFlight(read)
  const throttle = createEventThrottle(clock, flight.isQueued, () => void flight.request())
  const looks = createRefusalLooks(clock)
  const timer = createReadTimer(clock, { keepAlive }, flight.request)
  const onHealth = (payload: TokenWatcherEvents['watch']) => tell({ name: 'watch', payload })
  const watch = settings.watch
    ? superviseWatch({ clock, keepAlive, onEvent: throttle.event, onHealth })
    : noWatch()
  const readBounded = createBoundedOperation(clock, READ_TIMEOUT_MS, async () => {
    const locate = () => locateTokenFile(path).catch(() => undefined)
    const located = watch.beginRead() ? locate() : undefined
    const file = await readTokenFile(path, settings.maxTokenBytes).catch((error: TokenError) => error)
    return { file, place: await (file instanceof TokenError ? (located ?? locate()) : located) }
  })

  /** Until when, by the wall clock, the token in use is given without a look at anything else. */
  let freshUntilMs = NOT_FRESH
  let layout: TokenFilePlace['layout'] | undefined
  let reads = 0
  let lastReadAtMs: number | undefined
  const createdMonotonicMs = clock.monotonicNow()
  let lastReadMonotonicMs = createdMonotonicMs
  /** Events wait while a read changes the state: a listener finds it complete, and may even close the watcher. */
  let untold: StateEvent[] | undefined
  let closing: Promise<void> | undefined

  async function read(): Promise<void> {
    if (closing) return
    timer.cancel()
    reads++
    lastReadAtMs = clock.now()
    lastReadMonotonicMs = clock.monotonicNow()
    looks.beginRead()
    // Whoever asks meanwhile gets the token at hand, however long the read takes; not after a suspension.
    if (lastReadAtMs < freshUntilMs) keepFreshFor(READ_TIMEOUT_MS)
    const result = await readBounded()
    if (closing) return
    untold = []
    const before = state.current
    const { file, place } =
      result === TIMED_OUT ? { file: readTimedOut(path, READ_TIMEOUT_MS), place: undefined } : result
    layout = place?.layout ?? layout
    untold.push(...state.settle(file, layout))
    const isRotated = state.current !== before
    looks.endRead(isRotated)
    if (state.current && isRotated) {
      firstToken.resolve(state.current.token)
      warnOfKind(path, state.current.parsed.kind)
      if (before) watch.contentChanged()
    }
    if (place) watch.observe(place)
    scheduleRead()
    const events = untold
    untold = undefined
    for (const event of events) tell(event)
  }

  function tell(event: StateEvent): void {
    if (untold) untold.push(event)
    else hub.emit(event.name, event.payload)
  }

  function scheduleRead(): void {
    const usable = state.usable()
    const scheduledMs = nextReadDelayMs({
      nowMs: clock.now(),
      times: usable?.times,
      reloadIntervalMs,
      // A token that expired while it was read is no success either.
      failures: state.failures || (state.current && !usable ? 1 : 0),
      failureCode: state.failure?.error.code,
    })
    const delayMs = Math.min(scheduledMs, looks.putOffMs())
    timer.set(delayMs)
    keepFreshFor(delayMs)
  }

  function keepFreshFor(delayMs: number): void {
    const usable = looks.isDue() ? undefined : state.usable()
    freshUntilMs = usable ? endOfFreshnessMs(usable.token, delayMs, clock.now()) : NOT_FRESH
  }

  /** The way of a `getToken()` that finds no fresh token at hand: it looks, unless it is known why that is in vain. */
  async function obtain(signal: AbortSignal | undefined): Promise<Token> {
    if (isStarting() && !closing) return firstToken.wait(signal)
    const isKnown = flight.isRunning() || (state.failures > 0 && !isOlderThan(MIN_READ_INTERVAL_MS))
    await ((looks.isDue() ? looks.isUnderWay() : isKnown) ? flight.join() : flight.request())
    return tokenInUse()
  }

  /** Whether the last read began longer ago than that, by either clock: each may have stood still, or jumped. */
  function isOlderThan(ageMs: number): boolean {
    const byMonotonicMs = clock.monotonicNow() - lastReadMonotonicMs
    const byWallMs = Math.abs(clock.now() - (lastReadAtMs ?? 0))
    return Math.max(byMonotonicMs, byWallMs) >= ageMs
  }

  function tokenInUse(): Token {
    if (closing) throw watcherClosed(path)
    const usable = state.usable()
    if (!usable) throw reason()
    return usable.token
  }

  function reason(): TokenError {
    return state.reason() ?? readTimedOut(path, clock.monotonicNow() - createdMonotonicMs)
  }

  function isStarting(): boolean {
    return !state.current && !firstToken.isOver()
  }

  const watcher: TokenWatcher = {
    get current() {
      return clock.now() < freshUntilMs ? state.current?.token : undefined
    },
    getToken(options) {
      if (options?.signal?.aborted) return Promise.reject(options.signal.reason)
      if (clock.now() < freshUntilMs && state.current) return state.current.promise
      return abortable(() => obtain(options?.signal), options?.signal)
    },
    invalidate(rejected) {
      const inUse = state.current?.token.token
      if (closing || inUse === undefined || rejected.token !== inUse) return
      state.refusedByServer()
      looks.report(inUse)
      if (looks.isDue()) freshUntilMs = NOT_FRESH
      else if (looks.putOffMs() < timer.leftMs()) scheduleRead()
    },
    reload(options) {
      if (closing) return Promise.reject(watcherClosed(path))
      return abortable(() => flight.request().then(tokenInUse), options?.signal)
    },
    status() {
      const nextReadAtMs = closing ? undefined : clock.now() + timer.leftMs()
      const reading = { path, reads, lastReadAtMs, nextReadAtMs, watch: watch.health() }
      return describeWatcher(
        state,
        reading,
        { closed: closing !== undefined, starting: isStarting() },
        clock.now(),
      )
    },
    on(event, listener) {
      hub.on(event, listener)
      return watcher
    },
    once(event, listener) {
      hub.once(event, listener)
      return watcher
    },
    off(event, listener) {
      hub.off(event, listener)
      return watcher
    },
    close() {
      closing ??= close()
      return closing
    },
    [Symbol.asyncDispose]: () => watcher.close(),
  }

  async function close(): Promise<void> {
    freshUntilMs = NOT_FRESH
    timer.cancel()
    throttle.close()
    watch.close()
    hub.clear()
    firstToken.reject(watcherClosed(path))
    await flight.join()
  }

  void flight.request()
  return watcher
}
