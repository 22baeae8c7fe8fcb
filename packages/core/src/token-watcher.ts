import { abortable } from './abortable.js'
import { createBoundedOperation, TIMED_OUT } from './bounded-operation.js'
import { createEventHub } from './event-hub.js'
import { createEventThrottle } from './event-throttle.js'
import { createFirstToken } from './first-token.js'
import { MIN_READ_INTERVAL_MS, nextReadDelayMs } from './read-schedule.js'
import { createSingleFlight } from './single-flight.js'
import type { Token } from './token.js'
import { readTimedOut, TokenError, watcherClosed } from './token-error.js'
import { locateTokenFile, readTokenFile, type TokenFilePlace } from './token-file.js'
import { createTokenState } from './token-state.js'
import { warnOfKind } from './token-warnings.js'
import type { TokenWatcher, TokenWatcherEvents, TokenWatcherOptions } from './token-watcher-types.js'
import { noWatch, superviseWatch } from './watch-supervisor.js'
import { resolveWatcherOptions } from './watcher-options.js'
import { describeWatcher } from './watcher-status.js'

/** A local read takes well under a millisecond; this long means a dead network file system. */
const READ_TIMEOUT_MS = 10_000
/** A timed read that is later than this was slept through: the process, or the machine, was suspended. */
const WAKE_GRACE_MS = 2_000

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
  const hub = createEventHub<TokenWatcherEvents>([
    'rotated',
    'failed',
    'recovered',
    'overdue',
    'expired',
    'watch',
  ])
  const firstToken = createFirstToken(clock, settings.startupTimeoutMs, reason)
  const flight = createSingleFlight(read)
  const throttle = createEventThrottle(clock, flight.isQueued, () => void flight.request())
  const onHealth = (health: TokenWatcherEvents['watch']) => hub.emit('watch', health)
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
  let freshUntilMs = Number.NEGATIVE_INFINITY
  /** A server refused the token in use, and the file has not been read since. */
  let lookDue = false
  let lookUnderWay = false
  let lastRefusalLookMs = Number.NEGATIVE_INFINITY
  let layout: TokenFilePlace['layout'] | undefined
  let reads = 0
  let lastReadAtMs: number | undefined
  let lastReadMonotonicMs = clock.monotonicNow()
  let nextReadAtMs: number | undefined
  let cancelTimer = () => {}
  let closing: Promise<void> | undefined

  async function read(): Promise<void> {
    if (closing) return
    cancelTimer()
    reads++
    lastReadAtMs = clock.now()
    lastReadMonotonicMs = clock.monotonicNow()
    lookUnderWay = lookDue
    const result = await readBounded()
    if (closing) return
    const before = state.current
    const { file, place } =
      result === TIMED_OUT ? { file: readTimedOut(path, READ_TIMEOUT_MS), place: undefined } : result
    layout = place?.layout ?? layout
    const events = state.settle(file, layout)
    const isRotated = state.current !== before
    if (lookUnderWay || isRotated) lookDue = lookUnderWay = false
    if (state.current && isRotated) {
      firstToken.resolve(state.current.token)
      warnOfKind(path, state.current.parsed.kind)
      if (before) watch.contentChanged()
    }
    if (place) watch.observe(place)
    scheduleRead()
    // Told last: a listener finds the state complete, and may even close the watcher.
    for (const { name, payload } of events) hub.emit(name, payload)
  }

  function readWithin(ms: number): void {
    if (nextReadAtMs === undefined || nextReadAtMs > clock.now() + ms) scheduleRead(ms)
  }

  function scheduleRead(withinMs = Number.POSITIVE_INFINITY): void {
    const usable = state.usable()
    const nowMs = clock.now()
    const delayMs = nextReadDelayMs({
      nowMs,
      times: usable?.times,
      reloadIntervalMs,
      failures: state.failures,
      failureCode: state.failure?.error.code,
      starting: isStarting(),
    })
    nextReadAtMs = nowMs + Math.min(delayMs, withinMs)
    cancelTimer()
    cancelTimer = clock.setTimer(flight.request, nextReadAtMs - nowMs, { keepAlive })
    freshUntilMs =
      usable && !lookDue
        ? Math.min(nextReadAtMs + WAKE_GRACE_MS, usable.token.expiresAtMs ?? Number.POSITIVE_INFINITY)
        : Number.NEGATIVE_INFINITY
  }

  /** The way of a `getToken()` that finds no fresh token at hand: it looks, unless it is known why that is in vain. */
  async function obtain(): Promise<Token> {
    if (isStarting() && !closing) return firstToken.wait()
    const isKnown = flight.isRunning() || (state.failures > 0 && !isOlderThan(MIN_READ_INTERVAL_MS))
    await ((lookDue ? lookUnderWay : isKnown) ? flight.join() : flight.request())
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
    return state.reason() ?? readTimedOut(path, READ_TIMEOUT_MS)
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
      return abortable(obtain(), options?.signal)
    },
    invalidate(rejected) {
      if (closing || lookDue || rejected.token !== state.current?.token.token) return
      state.refusedByServer()
      // A server that refuses everything must not turn every request into a read.
      const waitMs = lastRefusalLookMs + MIN_READ_INTERVAL_MS - clock.monotonicNow()
      if (waitMs > 0) return readWithin(waitMs)
      lastRefusalLookMs = clock.monotonicNow()
      lookDue = true
      freshUntilMs = Number.NEGATIVE_INFINITY
    },
    reload(options) {
      if (closing) return Promise.reject(watcherClosed(path))
      if (options?.signal?.aborted) return Promise.reject(options.signal.reason)
      return abortable(flight.request().then(tokenInUse), options?.signal)
    },
    status() {
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
    freshUntilMs = Number.NEGATIVE_INFINITY
    nextReadAtMs = undefined
    cancelTimer()
    throttle.close()
    watch.close()
    hub.clear()
    firstToken.reject(watcherClosed(path))
    await flight.join()
  }

  void flight.request()
  return watcher
}
