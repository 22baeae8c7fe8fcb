import { request } from 'node:http'
import { connect } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

export interface Ask {
  readonly method?: string
  readonly path?: string
  /** Instead of the right ones; `host: undefined` sends none. */
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>
  readonly body?: string
}

/** Where a sidecar listens, for Node's own client. */
export function connectionTo(address: string) {
  if (address.startsWith('unix://')) return { socketPath: address.slice('unix://'.length) }
  const { hostname, port } = new URL(`http://${address}`)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }
}

/** Sends one request on a connection of its own. */
export function ask(
  address: string,
  { method = 'GET', path = '/v1/token', headers, body }: Ask = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { host, ...given } = headers ?? { 'projected-token': 'true' }
    const sent = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    const outgoing = request(
      {
        ...connectionTo(address),
        method,
        path,
        headers: { ...sent, ...(host === undefined ? {} : { host }) } as Record<string, string>,
        setHost: !(headers && 'host' in headers),
        agent: false,
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.once('error', reject)
        incoming.once('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

/** Sends bytes and gives all that comes back until the other side closes. */
export function sendBytes(address: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const to = connectionTo(address)
    const socket = 'socketPath' in to ? connect(to.socketPath) : connect(to.port, to.host)
    onTestFinished(() => void socket.destroy())
    let received = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk
    })
    socket.once('error', reject)
    socket.once('close', () => resolve(received))
    socket.write(bytes)
  })
}
