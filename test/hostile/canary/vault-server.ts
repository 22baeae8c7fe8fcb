import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { makeVaultToken } from './canaries.js'

/** What the server was sent. */
export interface Seen {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type Answering = (seen: Seen, response: ServerResponse) => void

/** A server that answers as Vault does, until a test gives it something else to say. */
export interface VaultServer {
  readonly address: string
  answer: Answering | undefined
  leaseSeconds: number
}

/** @param hide is told each token before it is sent, and each request's credentials */
export async function startVaultServer(hide: (name: string, value: string) => unknown): Promise<VaultServer> {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      const seen = { path: request.url ?? '', headers: request.headers, body }
      if (vault.answer) return vault.answer(seen, response)
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(usual(seen)))
    })
  })
  const usual = ({ path, headers }: Seen): unknown => {
    if (!path.endsWith('/login') && !path.endsWith('/renew-self')) return { data: { ttl: 3_000 } }
    const token = path.endsWith('/login') ? makeVaultToken() : String(headers['x-vault-token'])
    hide('a Vault token', token)
    return {
      auth: {
        client_token: token,
        accessor: 'an-accessor',
        policies: ['default'],
        token_policies: ['default'],
        metadata: { role: 'app', service_account_name: 'app' },
        lease_duration: vault.leaseSeconds,
        renewable: true,
        entity_id: '0a1b2c3d-0000-4000-8000-000000000001',
        token_type: 'service',
        num_uses: 0,
      },
    }
  }
  const vault = { address: '', answer: undefined as Answering | undefined, leaseSeconds: 3_600 }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return Object.assign(vault, { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}

/** A server's words about what it was sent, all of it quoted. */
export const quotes =
  (status: number): Answering =>
  ({ headers, body }, response) => {
    const sent = [JSON.stringify(headers), body, ...bodyValues(body)]
    response.writeHead(status, {
      'content-type': 'application/json',
      'x-quoted': String(headers['x-vault-token'] ?? ''),
    })
    response.end(
      JSON.stringify({
        errors: [`refused: ${sent.join(' ')}`],
        data: { sent },
        auth: { client_token: 7, sent },
      }),
    )
  }

/** The same in a page, as a proxy would have it. */
export const quotesInPage =
  (status: number): Answering =>
  ({ headers, body }, response) => {
    response.writeHead(status, { 'content-type': 'text/html' })
    response.end(`<h1>${JSON.stringify(headers)}</h1>${body}${bodyValues(body).join('\n')}`)
  }

/** No HTTP: what was sent comes back as it is. */
export const quotesRaw: Answering = ({ headers, body }, response) => {
  response.socket?.end(
    `HTTP/1.1 2xx nothing\r\nX: ${JSON.stringify(headers)}\r\n\r\n${body}${bodyValues(body).join('\n')}`,
  )
}

function bodyValues(body: string): string[] {
  try {
    return Object.values(JSON.parse(body) as object).map(String)
  } catch {
    return []
  }
}
