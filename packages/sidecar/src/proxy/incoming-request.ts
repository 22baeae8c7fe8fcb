import { IncomingMessage, METHODS } from '../sockets.js'

/**
 * A request whose upgrade to anything but a web socket is ignored, as RFC 9110 (section 7.8) allows: Java's client
 * asks for `h2c` with every request. Node hands each `Upgrade` to whoever listens for one, with the body unread.
 */
export class IncomingRequest extends IncomingMessage {
  #upgrade = false

  get upgrade(): boolean {
    return this.#upgrade && (this.method === 'CONNECT' || isWebSocketUpgrade(this))
  }

  set upgrade(value: boolean | null) {
    // Node's own constructor sets it, before there are fields.
    if (#upgrade in this) this.#upgrade = value === true
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
