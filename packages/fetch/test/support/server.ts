import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** What a server has seen. */
export interface Seen {
  method: string | undefined
  path: string | undefined
  headers: IncomingMessage['headers']
  rawHeaders: string[]
  body: string
  port: number | undefined
}

export interface TestServer {
  origin: string
  port: number
  seen: Seen[]
  server: Server
}

/** How to answer a request; the body has been read. */
export type Answer = (seen: Seen, ...http: Parameters<RequestListener>) => unknown

/** A real HTTP server on a free port, closed with the test. */
export async function startServer(answer: Answer = (_seen, _request, response) => response.end('ok')) {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const { method, url: path, headers, rawHeaders } = request
    const body = await text(request).catch(() => '')
    const record = { method, path, headers, rawHeaders, body, port: request.socket.remotePort }
    seen.push(record)
    answer(record, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, port, seen, server } satisfies TestServer
}

/** Answers 401 with a body unless the request carries one of the values. */
export function accepting(...values: string[]): Answer {
  return ({ headers }, _request, response) => {
    const sent = headers.authorization ?? String(headers['x-vault-token'] ?? '')
    response.statusCode = values.includes(sent) ? 200 : 401
    response.end(response.statusCode === 200 ? 'welcome' : 'who are you?')
  }
}

/** Redirects by path; every other path is answered. */
export function redirecting(routes: Record<string, string | [status: number, location: string]>): Answer {
  return ({ path }, _request, response) => {
    const route = routes[path ?? '']
    if (route === undefined) return response.end('arrived')
    const [status, location] = typeof route === 'string' ? [302, route] : route
    response.writeHead(status, { location }).end('moved')
  }
}
