import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createToken, type GetTokenOptions, type Token, type TokenProvider } from '@projected-token/core'
import { expect, onTestFinished } from 'vitest'
import { createProxy } from '../../src/proxy/create-proxy.js'
import type { ProxyOptions, ProxyRecord, ProxySpec } from '../../src/proxy/proxy-spec.js'
import type { Source } from '../../src/source.js'
import { createCapturedLog } from './proxy-log.js'

/** `expect.poll` that gives an overloaded machine its time. */
export const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 25_000, interval: 20 })

export const token = (secret: string): Token => createToken({ token: secret, loadedAtMs: 0 })

/** A provider that holds one token, and after a report about it gives the next of a list. */
export function createListedProvider(...secrets: string[]) {
  let position = 0
  let held = secrets.length > 0
  const at = () => token(secrets[Math.min(position, secrets.length - 1)] as string)
  return {
    invalidated: [] as string[],
    get current() {
      return held ? at() : undefined
    },
    async getToken(_options?: GetTokenOptions) {
      if (secrets.length === 0) {
        throw Object.assign(new Error('the file /secret/path is not there'), { code: 'ERR_TOKEN_NOT_FOUND' })
      }
      if (!held) position++
      held = true
      return at()
    },
    invalidate(rejected: Token) {
      this.invalidated.push(rejected.token)
      if (rejected.token === at().token) held = false
    },
  }
}

export interface StartProxyOptions extends Partial<Omit<ProxySpec, 'upstream'>> {
  kind?: Source['kind']
  path?: string
  clock?: ProxyOptions['clock']
}

/** A proxy on a free port, or on a unix socket, closed with the test. */
export async function startProxy(
  upstream: string,
  provider: TokenProvider,
  { kind = 'projected', path, clock, ...spec }: StartProxyOptions = {},
) {
  const records: ProxyRecord[] = []
  const { log, lines } = createCapturedLog()
  const app = await createProxy(
    {
      name: 'test',
      upstream: new URL(upstream),
      header: 'authorization',
      scheme: 'Bearer',
      clientHeader: 'keep',
      ...spec,
    },
    { kind, name: 'default', provider } as Source,
    { log, clock, onRequest: (record) => records.push(record) },
  )
  await app.listen(path === undefined ? { host: '127.0.0.1', port: 0 } : { path })
  onTestFinished(async () => {
    app.server.closeAllConnections()
    await app.close()
  })
  const port = path === undefined ? (app.server.address() as AddressInfo).port : 0
  return { app, records, lines, port, origin: `http://127.0.0.1:${port}` }
}

export type TestProxy = Awaited<ReturnType<typeof startProxy>>

/** What an upstream has seen. */
export interface Seen {
  method: string | undefined
  path: string | undefined
  headers: IncomingMessage['headers']
  rawHeaders: string[]
  body: Buffer
}

/** A real HTTP server on a free port, closed with the test; the body has been read when it answers. */
export async function startUpstream(
  answer: (seen: Seen, ...http: Parameters<RequestListener>) => unknown = (_seen, _request, response) =>
    response.end('ok'),
) {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method, url: path, headers, rawHeaders } = request
    const record = { method, path, headers, rawHeaders, body: Buffer.concat(chunks) }
    seen.push(record)
    answer(record, request, response)
  })
  return { seen, ...(await listen(server)) }
}

/** Listens on a free port, and ends with the test. */
export async function listen<S extends Server>(server: S, scheme = 'http') {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections?.()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { server, port, origin: `${scheme}://127.0.0.1:${port}` }
}

/** Answers 401 with a body unless the request carries one of the values. */
export function accepting(...values: string[]): Parameters<typeof startUpstream>[0] {
  return ({ headers, body }, _request, response) => {
    const sent = headers.authorization ?? String(headers['x-vault-token'] ?? '')
    response.statusCode = values.includes(sent) ? 200 : 401
    response.end(response.statusCode === 200 ? `welcome ${body}` : 'who are you?')
  }
}
