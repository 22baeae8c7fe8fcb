/** Answers every GET with the same small response, and does as little as it can: the client is what is measured. */
import net from 'node:net'
import { serve } from './serve.mjs'

const RESPONSE = Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok')
const END = '\r\n\r\n'

serve({
  /** @returns the origin */
  listen() {
    const server = net.createServer((socket) => {
      let rest = ''
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('data', (data) => {
        const requests = (rest + data.toString('latin1')).split(END)
        rest = requests.pop()
        for (const request of requests) {
          // Without its token a request is a failed measurement: the client then sees the socket close.
          if (!/\r\nauthorization: Bearer ey/i.test(request)) return socket.destroy()
          socket.write(RESPONSE)
        }
      })
    })
    return new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`))
    })
  },
})
