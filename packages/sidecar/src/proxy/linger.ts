import type { FastifyReply } from 'fastify'
import { hasBody } from './gate.js'

/**
 * Answers a client that has not sent everything so that it hears the answer: most clients read nothing before they have
 * sent all, and a connection that is closed with bytes unread is reset. So the connection is kept, and the rest of the
 * request read and dropped; only then does it end, where it is to. A client that sends no more loses the connection by
 * the server's keep-alive timeout.
 */
export function linger(reply: FastifyReply): void {
  const { raw: request } = reply.request
  if (request.complete || !hasBody(request.headers)) return
  const { server } = reply.server
  const endsAnyway = !reply.raw.shouldKeepAlive
  // Node ends the connection at once after a `close`, the client's own too unless the response says otherwise.
  reply.header('connection', 'keep-alive')
  reply.raw.once('finish', () => {
    const end = () => {
      if (endsAnyway || !server.listening) request.socket.destroySoon()
    }
    if (request.readableEnded) end()
    else request.once('end', end)
  })
}
