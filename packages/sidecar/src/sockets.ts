/** The one file of the package that touches sockets, and gives them to the others: most need few of its modules. */
import { connect } from 'node:net'

export { IncomingMessage, METHODS } from 'node:http'
export { connect as connectHttp2 } from 'node:http2'
export { createServer as createSocketServer } from 'node:net'
export { connect as connectTls } from 'node:tls'

/** Whether a process accepts connections on the socket file. @throws the operating system's error when it cannot be told */
export function isSocketAlive(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // A full backlog has somebody behind it.
      if (error.code === 'EAGAIN') resolve(true)
      else if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      else reject(error)
    })
  })
}
