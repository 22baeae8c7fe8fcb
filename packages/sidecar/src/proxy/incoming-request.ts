import type { FastifyInstance } from 'fastify'
import { IncomingMessage, METHODS } from '../sockets.js'

/** How many requests of a connection have no complete answer. */
const unanswered = new WeakMap<object, number>()

/** Counts the answers that a server owes to each connection. */
export function countUnanswered(server: FastifyInstance['server']): void {
  const add = (socket: object, count: number) => unanswered.set(socket, (unanswered.get(socket) ?? 0) + count)
  server.on('request', ({ socket }, response) => {
    add(socket, 1)
    response.once('close', () => add(socket, -1))
  })
}

/**
 * A request whose upgrade to anything but a web socket is ignored, as RFC 9110 (section 7.8) allows: Java's client
 * asks for `h2c` with every request. Node hands each `Upgrade` to whoever listens for one, with the body unread.
 *
 * Likewise one that comes before the answers to requests in front of it: its 101 would be taken for the first of these,
 * and they would arrive inside the web socket.
 */
export class IncomingRequest extends IncomingMessage {
  #upgrade = false

  get upgrade(): boolean {
    return this.#upgrade && (this.method === 'CONNECT' || isWebSocketUpgrade(this))
  }

  set upgrade(value: boolean | null) {
    // Node's own constructor sets it, before there are fields.
    if (#upgrade in this) this.#upgrade = value === true && (unanswered.get(this.socket) ?? 0) === 0
  }
}

function isWebSocketUpgrade({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

/**
 * What is passed on: all that Node knows. Not CONNECT, which asks for a tunnel to anywhere; not TRACE, whose answer
 * shows the request with its token.
 */
export const FORWARDED_METHODS: readonly string[] = METHODS.filter(
  (method) => method !== 'CONNECT' && method !== 'TRACE',
)
