import { createServer, type TLSSocket } from 'node:tls'
import { onTestFinished } from 'vitest'
import { type Certificate, createCertificate } from '../../../../test/support/certificates.js'
import { createListedProvider, listen, startProxy } from './proxy-harness.js'

/** RFC 9113, section 6. */
export const DATA = 0
export const HEADERS = 1
export const RST_STREAM = 3
const SETTINGS = 4

export const END_STREAM = 1
const ACK = 1
export const END_HEADERS = 4

/** RFC 7541, section 6.1: `:status: 200`. */
export const STATUS_200 = Buffer.from([0x88])

const PREFACE_BYTES = 24
const FRAME_HEAD_BYTES = 9

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array | string = '',
): Buffer {
  const content = Buffer.from(payload as string)
  const head = Buffer.alloc(FRAME_HEAD_BYTES)
  head.writeUIntBE(content.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, content])
}

/** A header field, neither indexed nor compressed; its name below 128 bytes (RFC 7541, section 6.2.2). */
export function field(name: string, value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value as string)
  return Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([bytes.length]), bytes])
}

export function resetWith(stream: number, code: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(code)
  return frame(RST_STREAM, 0, stream, payload)
}

/** A proxy before an HTTP/2 server whose frames the test writes; `answer` is called once a request. */
export async function startFramedUpstream(answer: (socket: TLSSocket, stream: number, turn: number) => void) {
  const certificate: Certificate = await createCertificate()
  let turn = 0
  const options = { cert: certificate.certPem, key: certificate.keyPem, ALPNProtocols: ['h2'] }
  const server = createServer(options, (socket) => {
    onTestFinished(() => void socket.destroy())
    let pending = Buffer.alloc(0)
    let toSkip = PREFACE_BYTES
    socket.on('error', () => {}) // the proxy's end of the connection
    socket.write(frame(SETTINGS, 0, 0))
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk])
      if (pending.length < toSkip) return
      pending = pending.subarray(toSkip)
      toSkip = 0
      while (pending.length >= FRAME_HEAD_BYTES) {
        const end = FRAME_HEAD_BYTES + pending.readUIntBE(0, 3)
        if (pending.length < end) return
        const [type, flags, stream] = [pending[3], pending[4] as number, pending.readUInt32BE(5)]
        pending = pending.subarray(end)
        if (type === SETTINGS && (flags & ACK) === 0) socket.write(frame(SETTINGS, ACK, 0))
        if (type === HEADERS) answer(socket, stream, turn++)
      }
    })
  })
  const { origin } = await listen(server as never, 'https')
  return startProxy(origin, createListedProvider('one'), { ca: certificate.caPem })
}
