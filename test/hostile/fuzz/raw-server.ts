import { createServer, type Server, type Socket } from 'node:net'

/** One request, as its bytes were. */
export interface RawRequest {
  readonly method: string
  readonly target: string
  /** Names as they came, values without the white space around them. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

/** What goes back: bytes, and what becomes of the connection. */
export interface RawAnswer {
  readonly bytes: string | Uint8Array
  readonly after: 'keep' | 'end' | 'reset' | 'hang'
}

/**
 * A server of a few lines that believes nothing: what a client sends is read by the letter of RFC 9112, and whatever
 * is not by that letter is a violation. Node's own parser would refuse, or repair, what is looked for here.
 */
export interface RawServer {
  readonly port: number
  readonly origin: string
  /** Taken, and emptied, by whoever judges them. */
  requests: RawRequest[]
  violations: string[]
  answer: (request: RawRequest) => RawAnswer
  close(): Promise<void>
}

export const OK: RawAnswer = { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', after: 'keep' }

const REQUEST_LINE = /^([A-Z]+) ([!-~]+) HTTP\/1\.1$/
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0-\x08\x0a-\x1f\x7f]*?)[ \t]*$/

export const field = (request: RawRequest, name: string): string[] =>
  request.fields.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)

export async function startRawServer(): Promise<RawServer> {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.setEncoding('latin1')
    let rest = ''
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk: string) => {
      rest += chunk
      try {
        for (let read = readRequest(rest); read !== undefined; read = readRequest(rest)) {
          rest = rest.slice(read.length)
          raw.requests.push(read.request)
          reply(socket, raw.answer(read.request))
        }
      } catch (error) {
        raw.violations.push((error as Error).message)
        socket.destroy()
      }
    })
  })
  const raw: RawServer = {
    port: 0,
    origin: '',
    requests: [],
    violations: [],
    answer: () => OK,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return Object.assign(raw, { port, origin: `http://127.0.0.1:${port}` })
}

function reply(socket: Socket, { bytes, after }: RawAnswer): void {
  if (after === 'hang') return void socket.write(bytes)
  if (after === 'keep') return void socket.write(bytes)
  if (after === 'end') return void socket.end(bytes)
  socket.write(bytes)
  socket.resetAndDestroy()
}

/** @throws for what is no request; `undefined` for one that is not there yet */
function readRequest(text: string): { request: RawRequest; length: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [line = '', ...lines] = text.slice(0, headEnd).split('\r\n')
  const [, method, target] = REQUEST_LINE.exec(line) ?? violation('a request line', line)
  const fields = lines.map((one) => {
    const [, name, value] = FIELD.exec(one) ?? violation('a header field', one)
    return [name, value] as [string, string]
  })
  const request = { method: method as string, target: target as string, fields, body: '' }
  const lengths = field(request, 'content-length')
  const codings = field(request, 'transfer-encoding')
  if (lengths.length + codings.length > 1) violation('one body length', lines.join(' | '))
  if (field(request, 'host').length !== 1) violation('one Host', lines.join(' | '))
  const start = headEnd + 4
  if (codings.length > 0) {
    if (codings[0] !== 'chunked') violation('a transfer coding', codings[0] as string)
    const chunked = readChunks(text, start)
    return chunked && { request: { ...request, body: chunked.body }, length: chunked.end }
  }
  if (lengths.length > 0 && !/^\d{1,9}$/.test(lengths[0] as string))
    violation('a length', lengths[0] as string)
  const end = start + Number(lengths[0] ?? 0)
  if (text.length < end) return undefined
  return { request: { ...request, body: text.slice(start, end) }, length: end }
}

function readChunks(text: string, start: number): { body: string; end: number } | undefined {
  let body = ''
  for (let at = start; ; ) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = text.slice(at, lineEnd)
    if (!/^[0-9a-f]{1,8}$/i.test(size)) violation('a chunk size', size)
    const from = lineEnd + 2
    const to = from + Number.parseInt(size, 16)
    if (text.length < to + 2) return undefined
    if (text.slice(to, to + 2) !== '\r\n') violation('the end of a chunk', text.slice(to, to + 2))
    if (to === from) return { body, end: to + 2 }
    body += text.slice(from, to)
    at = to + 2
  }
}

function violation(expected: string, found: string): never {
  throw new Error(`expected ${expected}, got ${JSON.stringify(found.slice(0, 300))}`)
}
