/** Vault for the matrix: HashiCorp's own where it has been built (`npm run test:real` does), else a stand-in. */
import { readdir } from 'node:fs/promises'
import { Agent, createServer, request } from 'node:http'
import { homedir } from 'node:os'
import path from 'node:path'
import { startFront } from './front.mjs'
import { startVaultStandIn } from './vault-stand-in.mjs'

export const VAULT_AUDIENCE = 'api'
const ROLE = {
  role_type: 'jwt',
  user_claim: 'sub',
  bound_audiences: [VAULT_AUDIENCE],
  bound_subject: '',
  // So that a Vault token tells which JWT it was granted for.
  claim_mappings: { jti: 'jti' },
  token_policies: ['default'],
}
const HOUR_SECONDS = 3_600

/**
 * One server for all rows.
 *
 * @param {'real' | 'stand-in' | undefined} wanted real where it can be had by default
 * @returns its kind, and `open(kubelet, { ttlSeconds })`, which gives a login mount that trusts this kubelet's keys
 */
export async function startVaults(wanted) {
  const real =
    wanted !== 'stand-in' && (wanted === 'real' || (await isBuilt())) ? await startReal() : undefined
  if (!real) return { kind: 'a stand-in for Vault', open: openStandIn, close: async () => {} }
  let mounts = 0
  return {
    kind: 'HashiCorp Vault',
    close: () => real.close(),
    async open(kubelet, { ttlSeconds = HOUR_SECONDS } = {}) {
      const mount = `jwt-${++mounts}`
      const app = { ...ROLE, token_ttl: ttlSeconds, token_max_ttl: ttlSeconds }
      await real.enableJwtAuth({ mount, jwksUrl: kubelet.jwksUrl, roles: { app } })
      return behindFront(new URL(real.address).port, {
        kind: 'HashiCorp Vault',
        mount,
        revokeAll: async () => {
          const { status, body } = await real.request('PUT', `sys/leases/revoke-prefix/auth/${mount}`)
          if (status >= 300) throw new Error(`Vault did not revoke: ${status} ${JSON.stringify(body)}`)
        },
        close: async () => {},
      })
    },
  }
}

async function openStandIn(kubelet, { ttlSeconds = HOUR_SECONDS } = {}) {
  const vault = await startVaultStandIn(kubelet, ttlSeconds)
  return behindFront(vault.port, { kind: 'a stand-in for Vault', mount: 'jwt', ...vault })
}

async function behindFront(port, vault) {
  const gate = await startGate(port)
  const front = await startFront(gate.port)
  return {
    ...vault,
    url: `http://127.0.0.1:${front.port}`,
    front,
    seen: gate.seen,
    /** Vault knows no tokens of the kubelet's: it refuses everything or nothing. */
    refuse(verdict) {
      if (typeof verdict !== 'function') gate.answer = verdict ? DENIAL : undefined
    },
    redirect(location) {
      gate.answer = location === undefined ? undefined : [307, { location }]
    },
    async close() {
      await front.close()
      await gate.close()
      await vault.close()
    },
  }
}

const DENIAL = [
  403,
  { 'content-type': 'application/json' },
  JSON.stringify({ errors: ['permission denied'] }),
]

/** Passes requests on, or answers them all alike: as a Vault that denies everything, or that is not the leader. */
async function startGate(port) {
  const agent = new Agent({ keepAlive: true })
  const seen = { requests: 0, logins: 0 }
  const server = createServer((incoming, response) => {
    seen.requests++
    if (incoming.url.endsWith('/login')) seen.logins++
    if (gate.answer !== undefined) {
      const [status, headers, body = ''] = gate.answer
      incoming.resume()
      return response.writeHead(status, headers).end(body)
    }
    const { method, url: target, headers } = incoming
    const outgoing = request(
      { ...{ agent, port, host: '127.0.0.1', method, path: target, headers } },
      (answer) => {
        response.writeHead(answer.statusCode, answer.headers)
        answer.pipe(response)
      },
    )
    outgoing.once('error', () => response.destroy())
    incoming.pipe(outgoing)
  })
  server.keepAliveTimeout = 600_000
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const gate = {
    seen,
    answer: undefined,
    port: server.address().port,
    async close() {
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return gate
}

async function startReal() {
  // A bundler, which is only needed here.
  const { loadRealServers } = await import('../../bench/support/vault-modules.mjs')
  const { startVault } = await loadRealServers()
  return startVault()
}

async function isBuilt() {
  const { PROJECTED_TOKEN_CACHE, XDG_CACHE_HOME } = process.env
  const cache =
    PROJECTED_TOKEN_CACHE ?? path.join(XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'projected-token')
  const names = await readdir(cache).catch(() => [])
  return names.some((name) => name.startsWith('vault-'))
}
