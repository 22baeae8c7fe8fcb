import type { Duplex } from 'node:stream'
import type { Headers } from './forwarded-headers.js'
import { answerBody, answerHeaders, type ProxyAnswer } from './proxy-answer.js'

/** Writes the head of a response. To an upgrade Node gives a bare socket, so it is written by hand. */
export function writeHead(socket: Duplex, status: number, message: string, headers: Headers): void {
  const lines = [`HTTP/1.1 ${status} ${message}`]
  for (const [name, value] of Object.entries(headers)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined) lines.push(`${name}: ${each}`)
    }
  }
  socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** Writes an answer of our own, and ends the connection. */
export function writeAnswer(socket: Duplex, answer: ProxyAnswer): void {
  const body = answerBody(answer)
  writeHead(socket, answer.status, answer.code, {
    ...answerHeaders(answer),
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  })
  socket.resume() // so that what the client still sends is no reset in its eyes
  endResponse(socket, body)
}

/** Ends a response whose end is the connection's. */
export function endResponse(socket: Duplex, body?: string): void {
  socket.once('finish', () => socket.destroy())
  socket.end(body)
}
