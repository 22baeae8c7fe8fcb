import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server that answers logins and renewals as Vault does, or refuses them while `isSealed`. */
export interface VaultStandIn {
  readonly url: string
  isSealed: boolean
  readonly issued: string[]
  close(): Promise<void>
}

/** Stands in for Vault: what is shown here is this package's report of it, not the protocol. */
export async function startVaultStandIn(leaseSeconds = 600): Promise<VaultStandIn> {
  const server = createServer((request, response) => {
    request.resume()
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
      response.end(JSON.stringify(body))
    }
    if (standIn.isSealed) return answer(503, { errors: ['Vault is sealed'] })
    const isLogin = request.url?.endsWith('/login')
    if (isLogin) standIn.issued.push(`hvs.CANARY-vault-secret-${standIn.issued.length + 1}`)
    answer(200, {
      auth: {
        client_token: standIn.issued.at(-1),
        accessor: 'CANARY-accessor',
        policies: ['app', 'default'],
        metadata: { role: 'app', service_account_name: 'app-sa', service_account_namespace: 'apps' },
        lease_duration: leaseSeconds,
        renewable: true,
        entity_id: '0a1b2c3d-0000-4000-8000-000000000001',
        token_type: 'service',
      },
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const standIn: VaultStandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isSealed: false,
    issued: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return standIn
}
