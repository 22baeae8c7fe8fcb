/** Answers as Vault 1.21.0 does (recorded in test/real/vault) for a login with a JWT, and what follows. */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { judgeToken } from './judge-token.mjs'

const DEAD = [403, { errors: ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'] }]

export async function startVaultStandIn(kubelet, ttlSeconds) {
  /** Vault's tokens: whose JWT they were granted for, and until when they live at most. */
  const live = new Map()
  const server = createServer(async (request, response) => {
    const body = await json(request).catch(() => ({}))
    const [status, answer] = await reply(request.url, body, request.headers['x-vault-token'])
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer))
  })
  async function reply(url, { jwt }, token) {
    if (url.endsWith('/login')) {
      const verdict = await judgeToken(kubelet, jwt)
      // The jwt method takes no token without an audience.
      const reason = verdict.id === 'legacy' ? 'no audience' : verdict.reason
      if (reason !== undefined) return [400, { errors: [`error validating token: ${reason}`] }]
      const fresh = `hvs.${randomUUID()}`
      live.set(fresh, { jti: verdict.id, endsAtMs: performance.now() + ttlSeconds * 1_000 })
      return [200, { lease_duration: 0, auth: authBlock(fresh, ttlSeconds) }]
    }
    const { jti, endsAtMs } = live.get(token) ?? {}
    const ttl = Math.floor((endsAtMs - performance.now()) / 1_000)
    if (!(ttl >= 0)) return DEAD
    if (url.endsWith('/renew-self')) return [200, { auth: authBlock(token, ttl) }]
    return [200, { data: { ttl, meta: { jti } } }]
  }
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: server.address().port,
    revokeAll: async () => live.clear(),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function authBlock(token, ttlSeconds) {
  const lease = { lease_duration: ttlSeconds, renewable: true, token_type: 'service', num_uses: 0 }
  return { client_token: token, accessor: 'accessor', policies: ['default'], mfa_requirement: null, ...lease }
}
