import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'

type Server = FastifyInstance['server']

/**
 * Lets a server that listens take connections at another address too, on the same port.
 *
 * Not by `localhost` as fastify understands it: what the name stands for would be a resolver's to say, and the second
 * server that it makes has neither the limits nor the listeners of the first, and is closed without being waited for.
 * Here there is one HTTP server, which is given the connections: whoever follows, limits or ends those of the server has
 * these as well.
 *
 * @throws the operating system's error
 */
export async function listenAlso(server: Server, host: string): Promise<void> {
  const { createSocketServer } = await import('../sockets.js')
  const { port } = server.address() as AddressInfo
  // As Node's HTTP server has them.
  const options = { allowHalfOpen: true, noDelay: true }
  const also = createSocketServer(options, (socket) => void server.emit('connection', socket))
  also.maxConnections = server.maxConnections
  await new Promise<void>((resolve, reject) => {
    also.once('error', reject)
    also.listen({ host, port }, () => {
      also.off('error', reject)
      resolve()
    })
  })
  const closed = new Promise<void>((resolve) => also.once('close', resolve))
  const close = server.close
  server.close = (callback) => {
    also.close()
    // Whoever closes the server is told when all connections have ended.
    return close.call(server, (error) => void closed.then(() => callback?.(error)))
  }
}
