import type { Clock } from '@projected-token/core'
import type { Source } from '../source.js'
import { bounded } from './bounded.js'
import type { Happening } from './happening.js'
import { observeProjected } from './observe-projected.js'
import { observeVault } from './observe-vault.js'

/** An event as an operator sees it. */
export interface LoggedEvent extends Happening {
  /** Counts up from 1 in one process. */
  readonly id: number
  readonly atMs: number
  readonly source: string
  readonly kind: Source['kind']
  /** How many in a row this one stands for. */
  readonly count: number
}

/** The last events of all sources. */
export interface EventLog {
  /** The newest first. */
  recent(): readonly LoggedEvent[]
  close(): void
}

/** A screen or two. */
const MAX_EVENTS = 50

export function createEventLog(
  sources: readonly Source[],
  options: { clock: Clock; onEvent(event: LoggedEvent): void },
): EventLog {
  let events: readonly LoggedEvent[] = []
  let lastId = 0

  const add = (source: Source, happening: Happening) => {
    const { name, kind } = source
    const previous = events.find((event) => event.source === name)
    // A short lease is renewed every few minutes: alone it would push all that matters out of the log.
    const repeats = happening.type === 'renewed' && previous?.type === 'renewed'
    const event = bounded({
      ...happening,
      id: ++lastId,
      atMs: options.clock.now(),
      source: name,
      kind,
      count: repeats ? previous.count + 1 : 1,
    })
    const others = repeats ? events.filter((other) => other !== previous) : events
    events = [event, ...others].slice(0, MAX_EVENTS)
    options.onEvent(event)
  }
  const unsubscribe = sources.map((source) => {
    const onHappening = (happening: Happening) => add(source, happening)
    return source.kind === 'projected'
      ? observeProjected(source.provider, options.clock, onHappening)
      : observeVault(source.provider, onHappening)
  })
  return {
    recent: () => events,
    close() {
      for (const stop of unsubscribe) stop()
    },
  }
}
