/** manifests/overlays/vault, with a real Vault that has the API server review the pod's tokens. */
import { exec } from '../cluster/exec.mjs'
import { runManifests } from './manifests.mjs'

/** Where sidecar.yaml looks for it. */
const HOST = 'vault.vault.svc'
export const PORT = 8200
/** Renewed twice or so, then replaced by another login: with a JWT that was rotated meanwhile. */
const ROLE = { token_ttl: '20s', token_max_ttl: '60s' }
const SECRET = 'app'

/** In the app's container: what a program reads that was written for Vault Agent. */
const READER = 'while :; do cat /run/vault/token && echo || echo failed; sleep 0.5; done'

/** @returns measurements, under the name `manifests/overlays/vault` */
export async function runVaultOverlay(context) {
  const { client } = context.cluster
  const vault = await startVault(context.vaultServers, client)
  try {
    const ca = { metadata: { name: 'vault-ca' }, data: { 'ca.crt': vault.caPem } }
    await client.must('POST', '/api/v1/namespaces/default/configmaps', ca, [409])
    // There is no DNS in this cluster.
    const hostAliases = [{ ip: '127.0.0.1', hostnames: [HOST] }]
    const onNode = { ...context.onNode, hostAliases }
    return await runManifests('overlays/vault', { ...context, onNode }, () => readSecrets(client, vault))
  } finally {
    await vault.close()
  }
}

async function startVault(servers, client) {
  const vault = await servers.startVault({ tls: true, names: [HOST], port: PORT })
  try {
    await vault.enableKubernetesAuth({
      ...{ kubernetesHost: client.url, kubernetesCaPem: client.ca, reviewerToken: client.token },
      roles: { app: ROLE },
    })
    await vault.putSecret(SECRET, { password: 'in the vault' })
    return vault
  } catch (error) {
    await vault.close()
    throw error
  }
}

/** Reads a secret with each token that the app finds in the file. @returns a function that ends it, and measures */
function readSecrets(client, vault) {
  const ended = new AbortController()
  const reads = []
  let failures = 0
  let rest = ''
  const onOutput = (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const token of lines) {
      if (token.startsWith('hvs.')) {
        reads.push(vault.request('GET', `secret/data/${SECRET}`, undefined, { 'x-vault-token': token }))
      } else failures++
    }
  }
  const reading = exec(client, 'app', 'app', ['sh', '-c', READER], { signal: ended.signal, onOutput })
  return async () => {
    ended.abort()
    await reading
    const statuses = (await Promise.all(reads)).map(({ status }) => status)
    const logins = await vault.loginCount('kubernetes')
    const renewals = await vault.requestCount('auth/token/renew-self')
    return {
      'vault reads': statuses.length,
      'vault refused': statuses.filter((status) => status !== 200).length,
      'vault withheld': failures,
      'vault logins': logins.succeeded,
      'vault logins refused': logins.refused,
      'vault renewals': renewals.succeeded,
    }
  }
}
