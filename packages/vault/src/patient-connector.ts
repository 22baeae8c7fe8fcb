import type { Clock } from '@projected-token/core'
import { buildConnector } from 'undici'

/** How often a reader that is slow is looked at. */
const RETRY_MS = 10

/**
 * Makes connections whose end waits for a slow reader.
 *
 * undici 7 asserts, in a listener of the socket's end where nobody can catch it, that nothing waits for a reader then:
 * a body that is ended by its connection, and a client that is slower, ended the process
 * (https://github.com/nodejs/undici/issues/5360; mended in undici 8, which does not run on Node 20).
 */
export function patientConnector(
  options: buildConnector.BuildOptions,
  clock: Clock,
): buildConnector.connector {
  const connect = buildConnector(options)
  return (target, callback) =>
    connect(target, (...outcome: Parameters<buildConnector.Callback>) => {
      if (outcome[1]) letEndWait(outcome[1], clock)
      callback(...outcome)
    })
}

type Socket = Exclude<Parameters<buildConnector.Callback>[1], null>

function letEndWait(socket: Socket, clock: Clock): void {
  const emit = socket.emit.bind(socket) as (name: string, ...values: unknown[]) => boolean
  const retry = () => {
    if (socket.destroyed || !emitEnd()) return
    socket.allowHalfOpen = false
    socket.end()
  }
  /** @returns whether it was taken */
  function emitEnd(): boolean {
    try {
      emit('end')
      return true
    } catch (error) {
      if ((error as Error).name !== 'AssertionError') throw error
      // Otherwise Node ends and destroys it meanwhile, and undici does not go on with what it has read.
      socket.allowHalfOpen = true
      clock.setTimer(retry, RETRY_MS)
      return false
    }
  }
  socket.emit = ((name: string, ...values: unknown[]) =>
    name === 'end' ? emitEnd() : emit(name, ...values)) as typeof socket.emit
}
