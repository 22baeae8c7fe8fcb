import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws'

/** A real web socket of a client, closed with the test. */
export function openWebSocket(origin: string, protocols: string[] = [], options: ClientOptions = {}) {
  const socket = new WebSocket(origin.replace(/^http/, 'ws'), protocols, options)
  onTestFinished(() => socket.terminate())
  return socket
}

export const opened = (socket: WebSocket) =>
  new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })

export const closed = (socket: WebSocket) =>
  new Promise<[code: number, reason: string]>((resolve) => {
    socket.once('close', (code, reason) => resolve([code, String(reason)]))
  })

export const message = (socket: WebSocket) =>
  new Promise<[data: Buffer, binary: boolean]>((resolve) => {
    socket.once('message', (data, binary) => resolve([data as Buffer, binary]))
  })

/** The status and body that an upgrade was refused with. */
export const refused = (socket: WebSocket) =>
  new Promise<[status: number | undefined, body: string]>((resolve, reject) => {
    socket.once('open', () => reject(new Error('The web socket was opened')))
    socket.once('error', () => {})
    socket.once('unexpected-response', async (_request, response) => {
      let body = ''
      for await (const chunk of response) body += chunk
      resolve([response.statusCode, body])
    })
  })

/** A server of web sockets that looks at the upgrade first. */
export async function startWebSocketUpstream(
  accepts: (authorization: string | undefined) => boolean = () => true,
  options: ConstructorParameters<typeof WebSocketServer>[0] = {},
) {
  const seen: import('node:http').IncomingHttpHeaders[] = []
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: options?.server === undefined ? 0 : (undefined as never),
    verifyClient: ({ req }, done) => {
      seen.push(req.headers)
      if (accepts(req.headers.authorization)) done(true)
      else done(false, 401, 'no')
    },
    ...options,
  })
  if (options?.server === undefined) await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(async () => {
    for (const client of server.clients) client.terminate()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = (options?.server ?? server).address() as AddressInfo
  return { server, seen, port, origin: `http://127.0.0.1:${port}` }
}
