import { connect } from 'node:net'
import { ensure } from './target.js'

const FIELD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*[^\0-\x08\x0a-\x1f\x7f]*$/

/**
 * Sends bytes as they are, in two parts, and gives what comes back.
 *
 * When it has all come, nobody can tell from the bytes. So a good request follows on a connection of its own: what is
 * answered after them has been read after them. Nothing here waits for a time.
 *
 * @param fence sends such a request, and throws when it is not answered
 */
export async function throwBytes(
  port: number,
  bytes: string,
  cutAt: number,
  fence: () => Promise<void>,
): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let received = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    received += chunk
  })
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.write(bytes.slice(0, cutAt), 'latin1')
  if (cutAt < bytes.length) {
    await new Promise((resolve) => setImmediate(resolve))
    socket.write(bytes.slice(cutAt), 'latin1')
  }
  await fence()
  if (!socket.destroyed) socket.end()
  await Promise.race([closed, fence().then(fence)])
  socket.destroy()
  await closed
  return received
}

/** What comes back is HTTP, whatever was asked: its first head is read by the letter. */
export function ensureAnswer(received: string): void {
  if (received === '') return
  ensure(
    /^HTTP\/1\.1 \d{3} [^\r\n]*\r\n/.test(received),
    `an answer is HTTP: ${JSON.stringify(received.slice(0, 200))}`,
  )
  const headEnd = received.indexOf('\r\n\r\n')
  const [, ...lines] = received.slice(0, headEnd < 0 ? received.lastIndexOf('\r\n') : headEnd).split('\r\n')
  for (const line of lines)
    ensure(FIELD.test(line), `an answer's field is one: ${JSON.stringify(line.slice(0, 200))}`)
}
