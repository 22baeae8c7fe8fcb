import type { Clock } from './clock.js'
import { quote } from './format.js'
import { type DirectoryWatch, type TokenFilePlace, watchPlace } from './token-file.js'

/** Whether changes are seen as they happen. */
export interface WatchHealth {
  /**
   * - `watching`: changes are seen as they happen;
   * - `polling`: there is no watch (switched off, or the system has none to give); timed reads find changes;
   * - `degraded`: there is a watch, but it missed a change, or it can only see that the directory is still missing.
   */
  readonly state: 'watching' | 'polling' | 'degraded'
  /** Why it is not `watching`. */
  readonly reason?: string
  /** The directory that is watched. */
  readonly directory?: string
}

/** Keeps a watch on the right directory and judges whether it can be trusted. */
export interface WatchSupervisor {
  health(): WatchHealth
  /**
   * A read begins, which answers what the watch has reported so far.
   *
   * @returns whether the place of the file should be looked at, too. Not when all that happened is a rotation.
   */
  beginRead(): boolean
  /** Takes what a read found of the token's place; moves or renews the watch if that asks for it. */
  observe(place: TokenFilePlace): void
  /** The read that began last found other content than the one before. */
  contentChanged(): void
  close(): void
}

/** What a supervisor needs. */
export interface WatchSupervisorOptions {
  clock: Clock
  keepAlive: boolean
  /** Something may have changed. */
  onEvent(): void
  onHealth(health: WatchHealth): void
}

/** An event that a rotation caused arrives well within this. */
const EVENT_GRACE_MS = 1_000
/** A volume that is mounted, filled and mounted again needs a few. */
const MAX_ARMINGS_WITHOUT_CHANGE = 10

export function superviseWatch(options: WatchSupervisorOptions): WatchSupervisor {
  const { clock, keepAlive } = options
  let health: WatchHealth = { state: 'polling', reason: 'the watch is not in place yet' }
  let armed: { place: TokenFilePlace; watch: DirectoryWatch } | undefined
  /** Since the content last changed. */
  let armings = 0
  let lastPlace: TokenFilePlace | undefined
  let missed = false
  let events = 0
  let eventsAtRead = 0
  let readAnswersEvent = false
  /** Something other than a rotation happened, or there is no watch that would tell. */
  let isPlaceDoubtful = true
  let cancelDoubt = () => {}

  const setHealth = (next: WatchHealth) => {
    const changed =
      next.state !== health.state || next.reason !== health.reason || next.directory !== health.directory
    health = next
    if (changed) options.onHealth(next)
  }
  const disarm = () => {
    armed?.watch.close()
    armed = undefined
  }
  const trust = (place: TokenFilePlace) => {
    const { directory } = place
    if (place.layout === 'missing') {
      setHealth({
        state: 'degraded',
        reason: `waiting for ${quote(place.entry)} in ${quote(directory)}`,
        directory,
      })
    } else if (missed) {
      setHealth({ state: 'degraded', reason: 'the watch missed a change; a timed read found it', directory })
    } else {
      setHealth({ state: 'watching', directory })
    }
  }
  const arm = (place: TokenFilePlace) => {
    disarm()
    armings++
    const { directory } = place
    const onError = (error: unknown) => {
      armed = undefined
      setHealth({ state: 'polling', reason: describeWatchError(error), directory })
    }
    try {
      const onEvent = (published: boolean) => {
        events++
        if (!published) isPlaceDoubtful = true
        options.onEvent()
      }
      armed = { place, watch: watchPlace(place, keepAlive, { onEvent, onError }) }
    } catch (error) {
      return onError(error)
    }
    trust(place)
    // What changed before the watch was in place is found by one more read. Not for ever: on a file system whose inodes
    // have no stable numbers, that read would find another place to watch, and so on.
    if (armings <= MAX_ARMINGS_WITHOUT_CHANGE) options.onEvent()
  }
  /** A change was found by a timed read. If no event follows within the grace, the watch is dead without saying so. */
  const doubt = () => {
    const eventsBefore = events
    cancelDoubt()
    cancelDoubt = clock.setTimer(() => {
      if (events > eventsBefore || !armed || !lastPlace) return
      missed = true
      arm(lastPlace)
    }, EVENT_GRACE_MS)
  }

  return {
    health: () => health,
    beginRead() {
      readAnswersEvent = events > eventsAtRead
      eventsAtRead = events
      const isOnlyRotated = readAnswersEvent && !isPlaceDoubtful && health.state === 'watching'
      isPlaceDoubtful = false
      return !isOnlyRotated
    },
    observe(place) {
      const layoutChanged = lastPlace !== undefined && lastPlace.layout !== place.layout
      lastPlace = place
      if (!armed || !isSamePlace(armed.place, place)) arm(place)
      else if (layoutChanged && health.state !== 'polling') trust(place)
    },
    contentChanged() {
      armings = 0
      if (readAnswersEvent || events > eventsAtRead) {
        missed = false
        if (armed && lastPlace && health.state === 'degraded') trust(lastPlace)
      } else if (armed) {
        doubt()
      }
    },
    close() {
      cancelDoubt()
      disarm()
    },
  }
}

function isSamePlace(one: TokenFilePlace, other: TokenFilePlace): boolean {
  return one.identity === other.identity && one.directory === other.directory && one.entry === other.entry
}

/** The supervisor of a watcher that is told to poll only. */
export function noWatch(): WatchSupervisor {
  return {
    health: () => ({ state: 'polling', reason: 'the option watch is false' }),
    beginRead: () => true,
    observe() {},
    contentChanged() {},
    close() {},
  }
}

function describeWatchError(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  switch (code) {
    case 'ENOSPC':
      return 'no inotify watch left (ENOSPC): raise fs.inotify.max_user_watches'
    case 'EMFILE':
      return 'no inotify instance or file descriptor left (EMFILE): raise fs.inotify.max_user_instances or the open-files limit'
    default:
      return `the directory cannot be watched (${code ?? (error instanceof Error ? error.message : 'unknown error')})`
  }
}
