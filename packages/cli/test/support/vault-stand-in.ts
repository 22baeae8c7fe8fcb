import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** What the stand-in was asked. */
export interface SeenRequest {
  readonly path: string
  readonly token: string | undefined
  readonly namespace: string | undefined
  readonly body: Record<string, unknown>
}

interface Reply {
  readonly status: number
  readonly body?: unknown
}

/** A server that answers as Vault does: the answers are those recorded from Vault 1.21.0 in test/real/vault. */
export interface VaultStandIn {
  readonly address: string
  readonly requests: SeenRequest[]
  /** Tokens given, in order. */
  readonly issued: string[]
  /** What a login grants, as fields of the auth block. */
  grant: Record<string, unknown>
  /** What a lookup tells, besides. */
  lookup: Record<string, unknown>
  /** Answers logins with this instead, until it is `undefined`. */
  loginReply: Reply | undefined
  /** Answers no request whose path ends so. */
  silentAt: string | undefined
  count(path: string): number
}

/** Recorded: a kubernetes mount about a JWT of another audience. */
export const WRONG_AUDIENCE: Reply = {
  status: 403,
  body: { errors: ['invalid audience (aud) claim: audience claim does not match any expected audience'] },
}
/** Recorded: a kubernetes mount about a role that it does not have. */
export const UNKNOWN_ROLE: Reply = { status: 400, body: { errors: ['invalid role name "app"'] } }
export const SEALED: Reply = { status: 503, body: { errors: ['Vault is sealed'] } }
const DEAD_TOKEN: Reply = {
  status: 403,
  body: { errors: ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'] },
}

/** @param onIssued hears of each token before it is sent */
export async function startVaultStandIn(onIssued: (token: string) => void = () => {}): Promise<VaultStandIn> {
  const live = new Set<string>()
  const vault: VaultStandIn = {
    address: '',
    requests: [],
    issued: [],
    grant: {},
    lookup: {},
    loginReply: undefined,
    silentAt: undefined,
    count: (path) => vault.requests.filter((request) => request.path.endsWith(path)).length,
  }
  const prefix = Math.random().toString(36).slice(2, 10)
  const authBlock = (token: string) => ({
    client_token: token,
    accessor: `accessor-${vault.issued.length}`,
    policies: ['default', 'secret-reader'],
    token_policies: ['default', 'secret-reader'],
    metadata: { role: 'app', service_account_name: 'billing', service_account_namespace: 'payments' },
    lease_duration: 3_600,
    renewable: true,
    entity_id: '01234567-89ab-cdef-0123-456789abcdef',
    token_type: 'service',
    orphan: true,
    mfa_requirement: null,
    num_uses: 0,
    ...vault.grant,
  })
  const answer = ({ path, token = '' }: SeenRequest): Reply => {
    if (path.endsWith('/login')) {
      if (vault.loginReply) return vault.loginReply
      const fresh = `hvs.CAESI${prefix}-secret-number-${vault.issued.length + 1}`
      vault.issued.push(fresh)
      live.add(fresh)
      onIssued(fresh)
      return { status: 200, body: { lease_duration: 0, auth: authBlock(fresh) } }
    }
    if (!live.has(token)) return DEAD_TOKEN
    if (path.endsWith('/renew-self')) return { status: 200, body: { auth: authBlock(token) } }
    if (path.endsWith('/revoke-self')) {
      live.delete(token)
      return { status: 204 }
    }
    const data = { id: token, policies: ['default', 'secret-reader'], ttl: 3_500, ...vault.lookup }
    return { status: 200, body: { data } }
  }

  const server = createServer((incoming, response) => {
    let text = ''
    incoming.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    incoming.on('end', () => {
      const header = (name: string) => [incoming.headers[name]].flat()[0]
      const request: SeenRequest = {
        path: incoming.url ?? '',
        token: header('x-vault-token'),
        namespace: header('x-vault-namespace'),
        body: text === '' ? {} : JSON.parse(text),
      }
      vault.requests.push(request)
      if (vault.silentAt !== undefined && request.path.endsWith(vault.silentAt)) return
      const { status, body } = answer(request)
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(body === undefined ? '' : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return Object.assign(vault, { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}
