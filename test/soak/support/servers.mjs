/** The sidecar, as it is installed, and Vault, where it can be had. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { loadRealServers } from '../../bench/support/vault-modules.mjs'
import { temporaryFolder } from '../../check/support/temporary.mjs'
import { root } from '../../check/support/workspace.mjs'
import { startVaultStandIn } from './vault-stand-in.mjs'

/** @returns { pid, proxy, api, close() }; `ended` says how it ended if it did */
export async function startSidecar(token, upstream) {
  const config = path.join(await temporaryFolder('soak-sidecar'), 'config.json') // JSON is YAML
  const settings = {
    tokens: [{ name: 'api', ...token }],
    proxies: [{ listen: '127.0.0.1:0', upstream, token: 'api' }],
    api: { listen: '127.0.0.1:0' },
    health: { listen: 'off' },
  }
  await writeFile(config, JSON.stringify(settings))
  const bin = path.join(root, 'packages/sidecar/bin/projected-token-sidecar.js')
  const child = spawn(process.execPath, [bin, '--config', config], { stdio: ['ignore', 'pipe', 'inherit'] })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let ended
  child.once('exit', (code, signal) => {
    ended = `the sidecar ended with ${signal ?? code}`
  })
  const addresses = await new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(ended)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const entry = JSON.parse(line)
      if (entry.addresses !== undefined) resolve(entry.addresses)
    })
  })
  return {
    pid: child.pid,
    get ended() {
      return ended
    },
    proxy: `http://${addresses.proxies[0]}`,
    api: `http://${addresses.api}`,
    async close() {
      process.off('exit', kill)
      if (ended) return
      kill()
      await once(child, 'exit')
    },
  }
}

/** Short: a lease is renewed twice and then replaced, all within three minutes. */
const LEASE = { ttlSeconds: 60, maxTtlSeconds: 180 }
const CLIENT = { mount: 'jwt', secret: 'secret/data/app' }

/**
 * Starts a Vault that trusts the kubelet stand-in's keys, and whose storage outlives a restart: a real one, or a stand-in
 * where there is none, or where that is asked for.
 *
 * @returns { vault, client, kind }, where `client` is what a client needs to know
 */
export async function startVault(kubelet, { standIn }) {
  const real = standIn ? { reason: 'as asked for' } : await startRealVault(kubelet)
  const vault = real.vault ?? (await startVaultStandIn(kubelet, LEASE))
  const kind = real.vault ? 'a real Vault' : `a stand-in for Vault: ${real.reason}`
  return { vault, kind, client: { ...CLIENT, address: vault.address } }
}

async function startRealVault(kubelet) {
  let vault
  try {
    const servers = await loadRealServers()
    vault = await servers.startVault({ storage: 'raft' })
  } catch (error) {
    return { reason: error.message.split('\n')[0] }
  }
  await vault.putSecret('app', { password: 'in the vault' })
  // Unless told otherwise Vault takes a JWT for some minutes after it has expired; the provider sends none.
  const strict = { expiration_leeway: -1, not_before_leeway: -1, clock_skew_leeway: -1 }
  const app = { ...strict, token_ttl: `${LEASE.ttlSeconds}s`, token_max_ttl: `${LEASE.maxTtlSeconds}s` }
  // Nothing is stored for the perfect client's many logins.
  const oracle = { ...strict, token_type: 'batch', token_ttl: '60s' }
  const { jwksUrl, issuer } = kubelet
  await vault.enableJwtAuth({ jwksUrl, boundIssuer: issuer, roles: { app, oracle } })
  const revoke = () =>
    vault.request('PUT', `sys/leases/revoke-prefix/auth/${CLIENT.mount}/login`, { sync: true })
  const { address } = vault
  return {
    vault: {
      address,
      seal: () => vault.seal(),
      unseal: () => vault.unseal(),
      stop: () => vault.stop(),
      cont: () => vault.cont(),
      restart: () => vault.restart({ keepStorage: true }),
      async revokeLogins() {
        const { status, body } = await revoke()
        if (status >= 400) throw new Error(`tokens were not revoked: ${status} ${JSON.stringify(body)}`)
      },
      close: () => vault.close(),
    },
  }
}
