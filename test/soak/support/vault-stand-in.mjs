/**
 * Stands in for Vault where it cannot be built: logins by the kubelet stand-in's word, leases, one secret, and the faults
 * that the soak makes. It shows nothing of Vault but what its answers are known to be.
 */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'

const SECRET_PATH = '/v1/secret/data/app'
/** Recorded of Vault 1.21.0, as the texts below. */
const DEAD_TOKEN = [403, { errors: ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'] }]
const SEALED = [503, { errors: ['Vault is sealed'] }]

/** @param lease { ttlSeconds, maxTtlSeconds } */
export async function startVaultStandIn(kubelet, lease) {
  const tokens = new Map()
  let isSealed = false
  /** Requests wait for it. */
  let stopped
  let goOn = () => {}

  const grant = (token, createdAtMs) => {
    const leftMs = createdAtMs + lease.maxTtlSeconds * 1_000 - Date.now()
    const seconds = Math.floor(Math.min(lease.ttlSeconds, leftMs / 1_000))
    tokens.set(token, { createdAtMs, expiresAtMs: Date.now() + seconds * 1_000 })
    return { auth: { client_token: token, lease_duration: seconds, renewable: true, token_type: 'service' } }
  }

  async function logIn(body) {
    try {
      await kubelet.verify(JSON.parse(body).jwt)
    } catch (error) {
      return [400, { errors: [`error validating token: ${error.message}`] }]
    }
    return [200, grant(`hvs.${randomUUID()}`, Date.now())]
  }

  async function answer(path, token, body) {
    if (isSealed) return SEALED
    if (path.endsWith('/login')) return logIn(body)
    const held = tokens.get(token)
    if (held === undefined || held.expiresAtMs <= Date.now()) return DEAD_TOKEN
    if (path.endsWith('/renew-self')) return [200, grant(token, held.createdAtMs)]
    if (path.endsWith('/lookup-self')) return [200, { data: { id: token } }]
    return path === SECRET_PATH ? [200, { data: { data: {} } }] : [404, { errors: [] }]
  }

  const server = createServer(async (request, response) => {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    await stopped
    const token = request.headers['x-vault-token']
    const [status, body] = await answer(request.url, token, Buffer.concat(chunks).toString())
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  const listen = (port) => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  const close = () => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    return closed
  }
  await listen(0)
  const { port } = server.address()

  return {
    address: `http://127.0.0.1:${port}`,
    async seal() {
      isSealed = true
    },
    async unseal() {
      isSealed = false
    },
    async stop() {
      stopped = new Promise((resolve) => {
        goOn = resolve
      })
    },
    cont: () => goOn(),
    async restart() {
      await close()
      await listen(port)
    },
    async revokeLogins() {
      tokens.clear()
    },
    close,
  }
}
