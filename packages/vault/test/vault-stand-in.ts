import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'

/** One request that the stand-in got. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What it answers: a status and a body, or silence, or a broken connection. */
export type Reply =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Record<string, string> }
  | 'hang'
  | 'reset'
export type Answering = (request: SeenRequest) => Reply | Promise<Reply>

export interface VaultStandIn {
  readonly url: string
  readonly requests: SeenRequest[]
  /** Requests whose path ends so. */
  count(path: string): number
  last(path: string): SeenRequest
  /** The lease that logins and renewals grant, as fields of the auth block. */
  grant: Record<string, unknown>
  /** Answers the next requests for a path, in order; then the usual again. `undefined` in between: the usual. */
  script(path: string, ...replies: Array<Reply | undefined>): void
  /** Answers every request for the path so, until `undefined` is set. */
  always(path: string, answering: Answering | undefined): void
  /** Every token given so far is dead. */
  revokeAll(): void
  /** Tokens that are alive. */
  readonly live: Set<string>
  readonly issued: string[]
  close(): Promise<void>
}

/** Recorded: Vault 1.21.0 about a token that it does not know. */
export const DEAD_TOKEN_VAULT = {
  status: 403,
  body: { errors: ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'] },
}
/** Recorded: Vault 1.21.0 when a policy refuses. */
export const POLICY_REFUSAL_VAULT = {
  status: 403,
  body: { errors: ['1 error occurred:\n\t* permission denied\n\n'] },
}
/** OpenBao, for a dead token and for a policy refusal alike. */
export const PERMISSION_DENIED = { status: 403, body: { errors: ['permission denied'] } }

export interface StandInOptions {
  tls?: ServerOptions
  socketPath?: string
  port?: number
}

/** A real HTTP server that replays Vault's answers and counts. */
export async function startVault(options: StandInOptions = {}): Promise<VaultStandIn> {
  const requests: SeenRequest[] = []
  const scripts = new Map<string, Array<Reply | undefined>>()
  const fixed = new Map<string, Answering>()
  const live = new Set<string>()
  const issued: string[] = []
  const prefix = Math.random().toString(36).slice(2, 10)

  const authBlock = (token: string) => ({
    client_token: token,
    accessor: `accessor-${issued.indexOf(token) + 1}`,
    policies: ['app', 'default'],
    token_policies: ['app', 'default'],
    metadata: { role: 'app', service_account_name: 'app-sa', service_account_namespace: 'apps' },
    lease_duration: 3600,
    renewable: true,
    entity_id: '0a1b2c3d-0000-4000-8000-000000000001',
    token_type: 'service',
    orphan: true,
    mfa_requirement: null,
    num_uses: 0,
    ...standIn.grant,
  })

  function usual(request: SeenRequest): Reply {
    const token = String(request.headers['x-vault-token'] ?? '')
    if (request.path.endsWith('/login')) {
      const fresh = `hvs.CAESI${prefix}-secret-number-${issued.length + 1}`
      issued.push(fresh)
      live.add(fresh)
      return { status: 200, body: { lease_duration: 0, auth: authBlock(fresh) } }
    }
    if (!live.has(token)) return DEAD_TOKEN_VAULT
    if (request.path.endsWith('/renew-self')) return { status: 200, body: { auth: authBlock(token) } }
    if (request.path.endsWith('/lookup-self'))
      return { status: 200, body: { data: { id: token, ttl: 3000 } } }
    if (request.path.endsWith('/revoke-self')) {
      live.delete(token)
      return { status: 204 }
    }
    return { status: 200, body: { data: { path: request.path } } }
  }

  async function answer(request: SeenRequest, response: ServerResponse): Promise<void> {
    requests.push(request)
    const key = [...scripts.keys()].find((path) => request.path.endsWith(path) && scripts.get(path)?.length)
    const always = [...fixed]
      .filter(([path]) => request.path.endsWith(path))
      .sort(([a], [b]) => b.length - a.length)[0]?.[1]
    const scripted = key === undefined ? undefined : scripts.get(key)?.shift()
    const reply = scripted ?? (await always?.(request)) ?? usual(request)
    if (reply === 'hang') return
    if (reply === 'reset') {
      response.destroy()
      return
    }
    response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers })
    response.end(
      typeof reply.body === 'string'
        ? reply.body
        : reply.body === undefined
          ? ''
          : JSON.stringify(reply.body),
    )
  }

  const listener = (incoming: import('node:http').IncomingMessage, response: ServerResponse) => {
    let body = ''
    incoming.setEncoding('utf8')
    incoming.on('data', (chunk) => {
      body += chunk
    })
    incoming.on('end', () => {
      const { method = '', url: path = '', headers } = incoming
      void answer({ method, path: path.split('?')[0] ?? '', headers, body }, response)
    })
  }
  const server: Server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener)
  await new Promise<void>((resolve) => {
    if (options.socketPath) server.listen(options.socketPath, resolve)
    else server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const address = server.address() as AddressInfo | string
  const standIn: VaultStandIn = {
    url:
      typeof address === 'string'
        ? `unix://${address}`
        : `${options.tls ? 'https' : 'http'}://127.0.0.1:${address.port}`,
    requests,
    live,
    issued,
    grant: {},
    count: (path) => requests.filter((request) => request.path.endsWith(path)).length,
    last(path) {
      const found = requests.findLast((request) => request.path.endsWith(path))
      if (!found) throw new Error(`There was no request for ${path}`)
      return found
    },
    script: (path, ...replies) => void scripts.set(path, replies),
    always(path, answering) {
      if (answering) fixed.set(path, answering)
      else fixed.delete(path)
    },
    revokeAll: () => live.clear(),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return standIn
}
