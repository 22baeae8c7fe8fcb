import { inspect } from 'node:util'
import { EventEmitter } from 'eventemitter3'

/** A function that observes one kind of event. */
export type Listener<Payload> = (payload: Payload) => void

/** Subscriptions, and a way to tell the subscribers. `Events` maps each event's name to its payload. */
export interface EventHub<Events> {
  /** Calls the listener at each such event. */
  on<Name extends keyof Events & string>(event: Name, listener: Listener<Events[Name]>): void
  /** Calls the listener at the next such event only. */
  once<Name extends keyof Events & string>(event: Name, listener: Listener<Events[Name]>): void
  /** Undoes `on()` or `once()`. */
  off<Name extends keyof Events & string>(event: Name, listener: Listener<Events[Name]>): void
  /** Tells all who listen to this event, at once. */
  emit<Name extends keyof Events & string>(event: Name, payload: Events[Name]): void
  /** Forgets all who listen. */
  clear(): void
}

/** A listener that throws, or rejects, becomes a process warning and harms nobody else. */
export function createEventHub<Events>(names: readonly (keyof Events & string)[]): EventHub<Events> {
  const emitter = new EventEmitter()
  const guards = new WeakMap<Listener<never>, (payload: unknown) => void>()
  const guard = (event: string, listener: Listener<never>) => {
    if (!(names as readonly string[]).includes(event)) {
      throw new TypeError(`There is no event '${event}'. The events are ${names.join(', ')}`)
    }
    if (typeof listener !== 'function') throw new TypeError(`The listener of '${event}' must be a function`)
    const guarded =
      guards.get(listener) ??
      ((payload: unknown) => {
        // Async, so that a throw and a rejection are one case.
        void (async () => listener(payload as never))().catch(warn)
      })
    guards.set(listener, guarded)
    return guarded
  }
  const warn = (error: unknown) => {
    process.emitWarning(`A listener threw: ${inspect(error)}`, { code: 'PROJECTED_TOKEN_LISTENER' })
  }
  return {
    on: (event, listener) => void emitter.on(event, guard(event, listener)),
    once: (event, listener) => void emitter.once(event, guard(event, listener)),
    off: (event, listener) => void emitter.off(event, guard(event, listener)),
    emit: (event, payload) => void emitter.emit(event, payload),
    clear: () => void emitter.removeAllListeners(),
  }
}
