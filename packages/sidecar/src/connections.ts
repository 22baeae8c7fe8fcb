import type { FastifyInstance } from 'fastify'

type Server = FastifyInstance['server']

/** The connections of a server that is to stop. */
export interface Connections {
  /**
   * Ends those without a request under way that had none when this was called last: what a client has just sent
   * may be on its way.
   */
  closeUnused(): void
}

interface State {
  /** Requests whose answer has not ended. */
  requests: number
  wasUnused: boolean
}

/**
 * Follows a server's connections, from before it listens. `closeIdleConnections()` leaves alone who has sent nothing
 * yet, or half a request: then anybody who can connect could hold a stop until its time is over.
 */
export function trackConnections(server: Server): Connections {
  const states = new Map<object, State>()
  const begin = (socket: object) => {
    const state = states.get(socket)
    if (!state) return
    state.requests++
    state.wasUnused = false
  }
  server.on('connection', (socket) => {
    states.set(socket, { requests: 0, wasUnused: false })
    socket.once('close', () => states.delete(socket))
  })
  server.on('request', ({ socket }, response) => {
    begin(socket)
    response.once('close', () => {
      const state = states.get(socket)
      if (state) state.requests--
    })
  })
  // Its end is whoever's who took the connection over. A listener of our own would let Node take every upgrade.
  if (server.listenerCount('upgrade') > 0) server.on('upgrade', (_request, socket) => begin(socket))
  return {
    closeUnused() {
      for (const [socket, state] of states) {
        if (state.requests > 0) continue
        if (state.wasUnused) (socket as { destroy(): void }).destroy()
        state.wasUnused = true
      }
    },
  }
}
