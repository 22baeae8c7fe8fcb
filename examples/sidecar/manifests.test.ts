import { once } from 'node:events'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startFakeKubelet } from '@projected-token/testing'
import { expect, it, onTestFinished } from 'vitest'
import { createCertificate } from '../../test/support/certificates.js'
import { startSidecar, temporaryDirectory } from './support/start-sidecar.js'

/** A program is started; on a busy machine that takes long. */
const testTimeoutMs = 120_000

/** `npm run test:real` checks the manifests; this runs what is in their ConfigMaps. */
it('the base’s configuration gives the token of the volume on the socket', {
  timeout: testTimeoutMs,
}, async () => {
  const { directory, kubelet, substitutes } = await startPod()
  const { health } = await startSidecar(await configuration('base', substitutes))
  const answer = await get(directory, '/v1/token/vault-token')
  expect(JSON.parse(answer.body)).toMatchObject({ name: 'vault-token', token: kubelet.current.token })
  expect((await stat(join(directory, 'api.sock'))).mode & 0o777).toBe(0o660)
  // The address that the probes of pod.yaml ask.
  const url = `http://127.0.0.1:${health?.split(':').at(-1)}`
  const statuses = await Promise.all(
    ['readyz', 'healthz'].map(async (path) => (await fetch(`${url}/${path}`)).status),
  )
  expect(statuses).toEqual([200, 200])
})

it('the Vault overlay’s configuration gives the Vault token on the socket and in the file', {
  timeout: testTimeoutMs,
}, async () => {
  const { directory, kubelet, substitutes } = await startPod()
  const vault = await startVault((jwt) => kubelet.verify(jwt))
  await writeFile(join(directory, 'ca.crt'), vault.caPem)
  const config = await configuration('overlays/vault', {
    ...substitutes,
    '/etc/vault/': `${directory}/`,
    '/run/vault/': `${directory}/`,
    'https://vault.vault.svc:8200': vault.address,
  })
  await startSidecar(config)
  expect(JSON.parse((await get(directory, '/v1/vault/token/app')).body)).toMatchObject({ token: 'hvs.1' })
  expect(JSON.parse((await get(directory, '/v1/token/vault-token')).body)).toMatchObject({
    token: kubelet.current.token,
  })
  const sink = join(directory, 'token')
  await expect.poll(() => readFile(sink, 'utf8').catch(() => ''), { timeout: 60_000 }).toBe('hvs.1')
  expect((await stat(sink)).mode & 0o777).toBe(0o640)
})

/** The pod's volumes, and where they are here. */
async function startPod() {
  const directory = await temporaryDirectory()
  const tokens = join(directory, 'tokens')
  await mkdir(tokens)
  const kubelet = await startFakeKubelet({ directory: tokens, fileName: 'vault-token', audience: 'vault' })
  onTestFinished(() => kubelet.close())
  const substitutes = {
    '/var/run/secrets/tokens/': `${tokens}/`,
    '/run/projected-token/': `${directory}/`,
    '":8080"': '127.0.0.1:0',
  }
  return { directory, kubelet, substitutes }
}

async function configuration(kustomization: string, substitutes: Record<string, string>) {
  const file = new URL(`manifests/${kustomization}/sidecar.yaml`, import.meta.url)
  let config = await readFile(file, 'utf8')
  for (const [theirs, ours] of Object.entries(substitutes)) {
    expect(config).toContain(theirs)
    config = config.replaceAll(theirs, ours)
  }
  return config
}

async function get(directory: string, path: string) {
  const headers = { 'projected-token': 'true' }
  const asked = request({ socketPath: join(directory, 'api.sock'), path, headers }).end()
  const [response] = await once(asked, 'response')
  return { status: response.statusCode as number, body: await text(response) }
}

/** Logs in whoever has a token of the kubelet. */
async function startVault(verify: (jwt: string) => Promise<unknown>) {
  const { caPem, certPem, keyPem } = await createCertificate()
  const server = createServer({ cert: certPem, key: keyPem }, async (incoming, response) => {
    const { role, jwt } = JSON.parse((await text(incoming)) || '{}')
    const isGood = await verify(jwt).then(
      () => role === 'app' && incoming.url === '/v1/auth/kubernetes/login',
      () => false,
    )
    const auth = {
      ...{ client_token: 'hvs.1', lease_duration: 3_600, renewable: false, token_type: 'service' },
      ...{ policies: [], token_policies: [], num_uses: 0 },
    }
    response.writeHead(isGood ? 200 : 403, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isGood ? { auth } : { errors: ['permission denied'] }))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return { caPem, address: `https://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
