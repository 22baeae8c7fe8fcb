import {
  createTokenWatcher,
  type TokenError,
  type TokenWatcher,
  type TokenWatcherOptions,
  type TokenWatcherStatus,
  tokenFingerprint,
} from '@projected-token/core'
import { formatTime } from '../format.js'
import type { CliIo, Interruption } from '../io.js'
import type { EndReason, WatchEvent, WatchEventName } from './watch-events.js'

/** What `watch` was asked. */
export interface WatchRequest {
  watcher: TokenWatcherOptions
  /** Ends after so many rotations. */
  untilRotations?: number | undefined
  /** Ends after so long, but not before the first read has told whether there is a token. */
  timeoutMs?: number | undefined
}

/** Sees what happens. */
export interface WatchObserver {
  onEvent(event: WatchEvent): void
  /** Once a second. */
  onTick?(status: TokenWatcherStatus): void
}

/** How it ended. */
export interface WatchOutcome {
  readonly reason: EndReason
  readonly status: TokenWatcherStatus
}

const TICK_MS = 1_000

/** Watches a token file until it is enough: tells the events in order, `started` or `waiting` first, `ended` last. */
export async function watchToken(
  request: WatchRequest,
  io: CliIo,
  observer: WatchObserver,
): Promise<WatchOutcome> {
  const watcher = createTokenWatcher({ ...request.watcher, keepAlive: true, clock: io.clock })
  const tell = (event: WatchEventName, details: Partial<WatchEvent> = {}) => {
    const time = formatTime(io.clock.now())
    observer.onEvent({ time, event, ...details, status: watcher.status() })
  }
  try {
    const isKnown = tellEvents(watcher, tell)
    const ended = awaitEnd(request, watcher, isKnown, io)
    const stopTicking = startTicking(watcher, io, observer)
    const reason = await ended
    stopTicking()
    const status = watcher.status()
    tell('ended', { reason })
    return { reason, status }
  } finally {
    await watcher.close()
  }
}

type Tell = (event: WatchEventName, details?: Partial<WatchEvent>) => void

/** @returns fulfils when `started` or `waiting` was told, or when the file system has not answered for 10 s */
function tellEvents(watcher: TokenWatcher, tell: Tell): Promise<void> {
  // There is no event for the first token. What happens before it or its absence is known is told after that.
  let started = false
  let resolve = () => {}
  const isKnown = new Promise<void>((fulfil) => {
    resolve = fulfil
  })
  const early: (() => void)[] = []
  const whenStarted = (act: () => void) => void (started ? act() : early.push(act))
  const start = (event: WatchEventName, details?: Partial<WatchEvent>) => {
    if (started) return false
    started = true
    tell(event, details)
    for (const act of early) act()
    resolve()
    return true
  }
  const failed = ({ code, message }: TokenError) => ({ error: { code, message } })

  watcher.getToken().then(
    () => start('started'),
    () => resolve(), // a `failed` event says so, unless not even a failure is known by then
  )
  watcher
    .on('failed', ({ error }) => void (start('waiting', failed(error)) || tell('failed', failed(error))))
    .on('rotated', ({ previous }) => {
      start('started')
      tell('rotated', { previousFingerprint: tokenFingerprint(previous.token) })
    })
    .on('recovered', (details) => tell('recovered', details))
    .on('overdue', () => {
      start('started')
      tell('overdue')
    })
    .on('expired', () => tell('expired'))
    .on('watch', () => whenStarted(() => tell('watch')))
  return isKnown
}

function awaitEnd(
  request: WatchRequest,
  watcher: TokenWatcher,
  isKnown: Promise<void>,
  io: CliIo,
): Promise<EndReason> {
  const { untilRotations, timeoutMs } = request
  return new Promise((resolve) => {
    let cancelTimer = () => {}
    const end = (reason: EndReason) => {
      cancelTimer()
      resolve(reason)
    }
    const interrupted = () => end(io.signal.reason as Interruption)
    if (io.signal.aborted) return interrupted()
    io.signal.addEventListener('abort', interrupted, { once: true })
    if (timeoutMs !== undefined) {
      const onTimeout = () => void isKnown.then(() => end('timeout'))
      cancelTimer = io.clock.setTimer(onTimeout, timeoutMs, { keepAlive: true })
    }
    watcher.on('rotated', () => {
      if (untilRotations !== undefined && watcher.status().rotations >= untilRotations) end('rotations')
    })
  })
}

function startTicking(watcher: TokenWatcher, { clock }: CliIo, { onTick }: WatchObserver): () => void {
  if (!onTick) return () => {}
  let cancel = () => {}
  const tick = () => {
    onTick(watcher.status())
    cancel = clock.setTimer(tick, TICK_MS, { keepAlive: true })
  }
  tick()
  return () => cancel()
}
