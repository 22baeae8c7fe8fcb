import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createCertificate } from '../support/certificates.js'
import { type Kube, type KubeVolume, startKube } from './kube.js'
import { type Client, type ClientOptions, createClient, rotate, type Tally } from './vault/client.js'
import { countFrom, report } from './vault/tally.js'
import { startVault, type Vault, type VaultRole } from './vault.js'

/** What callers see, and what Vault has to do, when a real Vault or a real API server fails and comes back. */

let directory: string
let kube: Kube
let volume: KubeVolume
let vault: Vault
let volumes = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vault-faults-'))
  kube = await startKube()
  vault = await startVault({ storage: 'raft' })
  volume = await createVolume(9, 200)
  await setUp(vault)
})
afterAll(async () => {
  await vault?.close()
  await kube?.close()
  await rm(directory, { recursive: true, force: true })
})

async function setUp(server: Vault) {
  await server.putSecret('app', { password: 'hunter2' })
  await server.enableKubernetesAuth({ kubernetesHost: kube.url, roles: { app: { token_ttl: 4 } } })
  await server.enableJwtAuth({ jwksUrl: kube.jwksUrl, roles: { app: { token_ttl: 4 } } })
}

function createVolume(expirationSeconds: number, syncMs: number): Promise<KubeVolume> {
  volumes++
  return kube.createVolume({ directory: join(directory, `token-${volumes}`), expirationSeconds, syncMs })
}

interface StartOptions extends ClientOptions {
  server?: Vault
  source?: KubeVolume
}

/** A client, which may not be healthy. */
function open({ server = vault, source = volume, ...options }: StartOptions = {}): Client {
  const client = createClient(server, source, options)
  onTestFinished(() => client.close())
  return client
}

/** A client that is healthy, by a role of its own. */
async function start(name: string, role: VaultRole, options: StartOptions = {}): Promise<Client> {
  await vault.writeRole(options.mount ?? 'kubernetes', name, role)
  const client = open({ role: name, ...options })
  await client.provider.getToken()
  return client
}

const isExpired: Parameters<Client['until']>[0] = (one) => one.status().state === 'expired'
const only = (tally: Tally, ...allowed: string[]) =>
  expect(Object.keys(tally).filter((seen) => !allowed.includes(seen))).toEqual([])

/** A token ended, and nothing could replace it: Vault may refuse the read that each of the two loops had under way. */
function onlyAfterTheEnd(tally: Tally, code: string) {
  only(tally, '200', '403', code)
  expect(tally['403'] ?? 0).toBeLessThanOrEqual(2)
}

describe('Vault is sealed', () => {
  it('for less than the lease: its 503 is the caller’s, and the token lives on', async () => {
    const counts = await countFrom(vault, 'kubernetes')
    const client = await start('sealed-briefly', { token_ttl: 60 })
    await vault.seal()
    const seen = await client.read()
    const unsealing = performance.now()
    await vault.unseal()
    const healthyAfterMs = await client.healthyAfter(unsealing)
    await client.close()
    const requests = await counts()
    report('sealed for less than the lease', { [seen]: 1 }, requests, healthyAfterMs)
    expect(seen).toBe('503')
    expect(requests.logins).toEqual({ total: 1, succeeded: 1, refused: 0 })
  })

  it('for longer than the lease: callers are told so, and one login follows', async () => {
    const counts = await countFrom(vault, 'kubernetes')
    const client = await start('sealed', { token_ttl: 4 })
    const end = client.load(2, 20)
    await vault.seal()
    await client.until(isExpired)
    expect(await client.read()).toBe('ERR_VAULT_SEALED')
    const unsealing = performance.now()
    await vault.unseal()
    const healthyAfterMs = await client.healthyAfter(unsealing)
    const tally = await end()
    await client.close()
    const requests = await counts()
    report('sealed for longer than the lease', tally, requests, healthyAfterMs)
    only(tally, '200', '500', '503', 'ERR_VAULT_SEALED', 'ERR_VAULT_UNAVAILABLE')
    expect(requests.logins).toEqual({ total: 2, succeeded: 2, refused: 0 })
    expect(client.events.filter((name) => name === 'failed')).toHaveLength(1)
    expect(client.events.filter((name) => name === 'recovered')).toHaveLength(1)
  })
})

describe('Vault hangs', () => {
  it('for longer than two leases: callers are told so, no 403 reaches them, and logins are few', async () => {
    const counts = await countFrom(vault, 'kubernetes')
    const client = await start('stopped', { token_ttl: 3 })
    const end = client.load(2, 20)
    await vault.stop()
    try {
      await client.until((one) => Date.now() > (one.status().token?.expiresAtMs ?? 0) + 3_000)
      expect(client.provider.status().state).toBe('expired')
    } finally {
      vault.cont()
    }
    const healthyAfterMs = await client.healthyAfter(performance.now())
    const tally = await end()
    await client.close()
    const requests = await counts()
    report('stopped for longer than two leases', tally, requests, healthyAfterMs)
    // Callers wait for a login that is under way, and are told of the outage between two. Vault refuses, when it goes on,
    // the two reads that were sent before the lease ended: that makes a login due at once, and they are sent again.
    only(tally, '200', 'ERR_VAULT_UNAVAILABLE')
    // One that hung for a whole lease came too late to be trusted, so another one followed.
    expect(requests.logins.total).toBeLessThanOrEqual(3)
    expect(requests.logins.refused).toBe(0)
  })
})

describe('Vault is killed', () => {
  it('and restarted with its storage within the lease: the token lives on', async () => {
    const counts = await countFrom(vault, 'jwt')
    const client = await start('killed-briefly', { token_ttl: 120 }, { mount: 'jwt' })
    const end = client.load(2, 20)
    await vault.kill()
    const restarting = performance.now()
    await vault.restart({ keepStorage: true })
    const healthyAfterMs = await client.healthyAfter(restarting)
    const tally = await end()
    await client.close()
    const requests = await counts()
    report('killed for less than the lease', tally, requests, healthyAfterMs)
    only(tally, '200', '500', '503', 'ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET')
    expect(requests.logins).toEqual({ total: 1, succeeded: 1, refused: 0 })
  })

  it('and restarted with its storage after the lease: one login follows', async () => {
    const counts = await countFrom(vault, 'kubernetes')
    const client = await start('killed', { token_ttl: 4 })
    const end = client.load(2, 20)
    await vault.kill()
    await client.until(isExpired)
    expect(await client.read()).toBe('ERR_VAULT_UNAVAILABLE')
    await vault.restart({ keepStorage: true, sealed: true })
    const unsealing = performance.now()
    await vault.unseal()
    const healthyAfterMs = await client.healthyAfter(unsealing)
    const tally = await end()
    await client.close()
    const requests = await counts()
    report('killed for longer than the lease', tally, requests, healthyAfterMs)
    only(
      tally,
      ...['200', '500', '503', 'ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'],
      ...['ERR_VAULT_UNAVAILABLE', 'ERR_VAULT_SEALED'],
    )
    expect(requests.logins.succeeded).toBe(2)
    expect(requests.logins.refused).toBe(0)
  })

  it('and restarted without its storage: callers are told that Vault denies, until the mount is there again', async () => {
    const client = await start('app', { token_ttl: 60 })
    const end = client.load(2, 20)
    await vault.kill()
    await vault.restart({ keepStorage: false })
    const counts = await countFrom(vault, 'kubernetes')
    await client.until((one) => one.status().lastFailure?.class === 'denied')
    expect(await client.read()).toBe('ERR_VAULT_PERMISSION_DENIED')
    const settingUp = performance.now()
    await setUp(vault)
    const healthyAfterMs = await client.healthyAfter(settingUp)
    const tally = await end()
    const failures = client.provider.status().lastFailure?.count ?? 0
    await client.close()
    const requests = await counts()
    report('killed, its storage lost', tally, requests, healthyAfterMs)
    only(
      tally,
      ...['200', '403', '500', '503', 'ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'],
      ...['ERR_VAULT_PERMISSION_DENIED', 'ERR_VAULT_UNAVAILABLE', 'ERR_VAULT_SEALED', 'ERR_VAULT_ROLE'],
      // The reads have seen that Vault was away: the login that the first refusal makes necessary is spread over 5 s.
      'ERR_VAULT_TOKEN_EXPIRED',
    )
    expect(requests.logins.succeeded).toBe(1)
    expect(requests.logins.refused).toBeLessThanOrEqual(failures)
  })
})

describe('a role is deleted', () => {
  it('and re-created within the lease: no caller hears of it', async () => {
    const counts = await countFrom(vault, 'kubernetes')
    // Little jitter, so that the second try comes within the lease.
    const client = await start('deleted-briefly', { token_ttl: 15 }, { random: () => 0.3 })
    const end = client.load(2, 20)
    await vault.deleteRole('kubernetes', 'deleted-briefly')
    await client.until((one) => one.status().lastFailure?.class === 'role')
    await vault.writeRole('kubernetes', 'deleted-briefly', { token_ttl: 15 })
    await client.until((one) => one.status().logins === 2)
    const tally = await end()
    await client.close()
    const requests = await counts()
    report('role deleted and re-created within the lease', tally, requests)
    only(tally, '200')
    expect(requests.logins).toEqual({ total: 3, succeeded: 2, refused: 1 })
    // A 500, which leaves no doubt only the third time; the lease is too short for that.
    expect(requests.renewals).toEqual({ total: 1, succeeded: 0, refused: 1 })
  })

  it.each(['kubernetes', 'jwt'])(
    'at a %s mount for good: three logins and no more, and login() when it is there again',
    async (mount) => {
      const counts = await countFrom(vault, mount)
      const client = await start('deleted', { token_ttl: 4 }, { mount })
      const end = client.load(2, 20)
      await vault.deleteRole(mount, 'deleted')
      await client.until((one) => one.status().state === 'failed')
      for (let read = 0; read < 50; read++) expect(await client.read()).toBe('ERR_VAULT_ROLE')
      expect((await counts()).logins).toEqual({ total: 4, succeeded: 1, refused: 3 })
      await vault.writeRole(mount, 'deleted', { token_ttl: 4 })
      const asking = performance.now()
      await client.provider.login()
      const healthyAfterMs = await client.healthyAfter(asking)
      const tally = await end()
      await client.close()
      const requests = await counts()
      report(`role deleted for good, ${mount}`, tally, requests, healthyAfterMs)
      onlyAfterTheEnd(tally, 'ERR_VAULT_ROLE')
      expect(requests.logins).toEqual({ total: 5, succeeded: 2, refused: 3 })
    },
  )
})

describe('a JWT is refused', () => {
  const audience = (name: string) => ({ audience: name, bound_audiences: [name] })

  it.each(['kubernetes', 'jwt'])(
    'by a %s mount for its audience: it is sent once, and the next one at once',
    async (mount) => {
      const source = await createVolume(15, 0)
      await vault.writeRole(mount, 'audience', audience('other'))
      const counts = await countFrom(vault, mount)
      const entriesBefore = (await vault.audit()).length
      const client = open({ mount, source, role: 'audience', startupTimeoutMs: 0 })
      await client.until((one) => one.status().waitsForJwt && one.status().logsInAtMs === undefined)
      await vault.writeRole(mount, 'audience', audience('vault'))
      for (let read = 0; read < 50; read++) expect(await client.read()).toBe('ERR_VAULT_JWT_REFUSED')
      expect((await counts()).logins).toEqual({ total: 1, succeeded: 0, refused: 1 })
      await rotate(source)
      const healthyAfterMs = await client.healthyAfter(performance.now())
      await client.close()
      const requests = await counts()
      report(
        `wrong audience, ${mount}, then rotated`,
        { ERR_VAULT_JWT_REFUSED: 50 },
        requests,
        healthyAfterMs,
      )
      expect(requests.logins).toEqual({ total: 2, succeeded: 1, refused: 1 })
      const sent = (await vault.audit()).slice(entriesBefore).flatMap(({ jwt }) => jwt ?? [])
      expect(new Set(sent).size).toBe(2)
      await source.stop()
    },
  )

  it.each(['kubernetes', 'jwt'])(
    'by a %s mount, and the role is corrected: login() sends it once more',
    async (mount) => {
      const source = await createVolume(7_200, 0)
      await vault.writeRole(mount, 'corrected', audience('other'))
      const counts = await countFrom(vault, mount)
      const entriesBefore = (await vault.audit()).length
      const client = open({ mount, source, role: 'corrected', startupTimeoutMs: 0 })
      await client.until((one) => one.status().waitsForJwt && one.status().logsInAtMs === undefined)
      expect(await client.read()).toBe('ERR_VAULT_JWT_REFUSED')
      await vault.writeRole(mount, 'corrected', audience('vault'))
      const asking = performance.now()
      await client.provider.login()
      const healthyAfterMs = await client.healthyAfter(asking)
      await client.close()
      const requests = await counts()
      report(
        `wrong audience, ${mount}, corrected, login()`,
        { ERR_VAULT_JWT_REFUSED: 1 },
        requests,
        healthyAfterMs,
      )
      expect(requests.logins).toEqual({ total: 2, succeeded: 1, refused: 1 })
      const sent = (await vault.audit()).slice(entriesBefore).flatMap(({ jwt }) => jwt ?? [])
      expect(new Set(sent).size).toBe(1)
      await source.stop()
    },
  )

  it('while the old token lives, then rotated: no caller hears of it', async () => {
    const source = await createVolume(15, 0)
    const counts = await countFrom(vault, 'jwt')
    const batch = { token_type: 'batch', token_ttl: 6 } as const
    const client = await start('refused', batch, { mount: 'jwt', source })
    const end = client.load(2, 20)
    await vault.writeRole('jwt', 'refused', { ...batch, ...audience('other') })
    await client.until((one) => one.status().refusedJwt)
    await vault.writeRole('jwt', 'refused', batch)
    await rotate(source)
    await client.until((one) => one.status().logins === 2)
    const tally = await end()
    await client.close()
    const requests = await counts()
    report('JWT refused while the old token lives', tally, requests)
    only(tally, '200')
    expect(requests.logins).toEqual({ total: 3, succeeded: 2, refused: 1 })
    await source.stop()
  })

  it('because its pod was deleted: the opaque 403 is retried, and the JWT of the new pod is sent at once', async () => {
    const source = await createVolume(7_200, 0)
    const counts = await countFrom(vault, 'kubernetes')
    await kube.deletePod(source.pod, source.namespace)
    const client = open({ source, startupTimeoutMs: 0 })
    await client.until((one) => one.status().lastFailure?.class === 'denied')
    expect(await client.read()).toBe('ERR_VAULT_PERMISSION_DENIED')
    expect(client.provider.status().refusedJwt).toBeUndefined()
    await kube.recreatePod(source.pod, source.namespace)
    await source.sync()
    const healthyAfterMs = await client.healthyAfter(performance.now())
    const failures = client.provider.status().lastFailure?.count ?? 0
    await client.close()
    const requests = await counts()
    report('pod deleted and re-created', { ERR_VAULT_PERMISSION_DENIED: 1 }, requests, healthyAfterMs)
    expect(requests.logins).toEqual({ total: failures + 1, succeeded: 1, refused: failures })
    await source.stop()
  })

  it('by nobody, when the kubelet rotates no more: an expired one is never sent', async () => {
    const source = await createVolume(9, 200)
    const counts = await countFrom(vault, 'kubernetes')
    const client = await start('expired', { token_ttl: 3, token_max_ttl: 3 }, { source })
    const end = client.load(2, 20)
    onTestFinished(() => kube.setOutage(false))
    await kube.setOutage(true)
    await client.until((one) => isExpired(one) && one.status().lastFailure?.class === 'jwt-unavailable')
    expect(await client.read()).toBe('ERR_VAULT_JWT_UNAVAILABLE')
    await kube.setOutage(false)
    const healthyAfterMs = await client.healthyAfter(performance.now())
    const tally = await end()
    const { logins } = client.provider.status()
    await client.close()
    const requests = await counts()
    report('TokenRequest outage past the JWT’s end', tally, requests, healthyAfterMs)
    onlyAfterTheEnd(tally, 'ERR_VAULT_JWT_UNAVAILABLE')
    expect(requests.logins).toEqual({ total: logins, succeeded: logins, refused: 0 })
    await source.stop()
  })
})

describe('the API server', () => {
  it('answers no TokenReview: renewals go on, and logins are tried until it does', async () => {
    const counts = await countFrom(vault, 'kubernetes')
    const client = await start('reviewed', { token_ttl: 8, token_max_ttl: 12 })
    const end = client.load(2, 20)
    onTestFinished(() => kube.setTokenReviewOutage(false))
    await kube.setTokenReviewOutage(true)
    await client.until((one) => one.status().lastFailure?.class === 'denied')
    expect(client.provider.status().renewals).toBeGreaterThan(0)
    expect(client.provider.status().refusedJwt).toBeUndefined()
    await client.until(isExpired)
    expect(await client.read()).toBe('ERR_VAULT_PERMISSION_DENIED')
    await kube.setTokenReviewOutage(false)
    const healthyAfterMs = await client.healthyAfter(performance.now())
    const tally = await end()
    await client.close()
    const requests = await counts()
    report('TokenReview outage past the max TTL', tally, requests, healthyAfterMs)
    onlyAfterTheEnd(tally, 'ERR_VAULT_PERMISSION_DENIED')
    expect(requests.logins.succeeded).toBe(2)
    expect(requests.logins.refused).toBeGreaterThan(0)
  })

  it('gives Vault no keys: the same JWT is sent again, since nothing is said about it', async () => {
    const keys = await (await fetch(kube.jwksUrl)).text()
    const server = createServer((_, response) => response.end(keys)).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await vault.enableJwtAuth({ mount: 'keys', jwksUrl: `http://127.0.0.1:${port}/`, roles: { app: {} } })
    server.closeAllConnections()
    await once(server.close(), 'close')
    const source = await createVolume(7_200, 0)
    const counts = await countFrom(vault, 'keys')
    const client = open({ mount: 'keys', method: 'jwt', source, startupTimeoutMs: 0 })
    await client.until((one) => one.status().lastFailure?.class === 'refused')
    expect(await client.read()).toBe('ERR_VAULT_LOGIN_REFUSED')
    expect(client.provider.status().refusedJwt).toBeUndefined()
    await once(server.listen(port, '127.0.0.1'), 'listening')
    const healthyAfterMs = await client.healthyAfter(performance.now())
    await client.close()
    const requests = await counts()
    report('JWKS unreachable', { ERR_VAULT_LOGIN_REFUSED: 1 }, requests, healthyAfterMs)
    expect(requests.logins.succeeded).toBe(1)
    expect(requests.logins.refused).toBeGreaterThan(0)
    await source.stop()
  })
})

describe('the namespace', () => {
  it('goes with every request: logins, renewals and reads', async () => {
    await vault.request('POST', 'sys/config/auditing/request-headers/x-vault-namespace', { hmac: false })
    const { options } = (await vault.request('GET', 'sys/audit')).body.data['file/']
    const counts = await countFrom(vault, 'kubernetes')
    const client = await start('in-team', { token_ttl: 6 }, { namespace: 'team' })
    // The community edition ignores the header; the audit log tells that it came.
    expect(await client.read()).toBe('200')
    await client.until((one) => one.status().renewals === 1)
    await client.close()
    report('namespace', { 200: 1 }, await counts())
    const lines = (await readFile(options.file_path, 'utf8')).split('\n').slice(0, -1)
    const paths = lines
      .map((line) => JSON.parse(line))
      .filter(
        ({ type, request }) => type === 'request' && request.headers?.['x-vault-namespace']?.[0] === 'team',
      )
      .map(({ request }) => request.path)
    expect(paths.sort()).toEqual(['auth/kubernetes/login', 'auth/token/renew-self', 'secret/data/app'])
  })
})

describe('TLS with a private authority', () => {
  let secure: Vault
  let otherCa: string

  beforeAll(async () => {
    secure = await startVault({ tls: true })
    await setUp(secure)
    otherCa = (await createCertificate()).caPem
  })
  afterAll(() => secure?.close())

  it('is accepted by that authority, for logins, renewals and reads', async () => {
    const counts = await countFrom(secure, 'kubernetes')
    await secure.writeRole('kubernetes', 'tls', { token_ttl: 6 })
    const client = open({ server: secure, role: 'tls' })
    expect(await client.read()).toBe('200')
    await client.until((one) => one.status().renewals === 1)
    await client.close()
    const requests = await counts()
    report('private CA', { 200: 1 }, requests)
    expect(requests.logins).toMatchObject({ total: 1, refused: 0 })
    expect(requests.renewals).toMatchObject({ total: 1, refused: 0 })
  })

  it.each(['another', 'the system’s'])('is refused by %s, and nothing reaches Vault', async (which) => {
    const counts = await countFrom(secure, 'kubernetes')
    const ca = which === 'another' ? otherCa : undefined
    const client = open({ server: secure, ca, startupTimeoutMs: 0 })
    await client.until((one) => one.status().lastFailure)
    const seen = await client.read()
    await client.close()
    const requests = await counts()
    report(`CA: ${which}`, { [seen]: 1 }, requests, 'never')
    expect(seen).toBe('ERR_VAULT_TLS')
    expect(requests.logins.total).toBe(0)
  })

  it('is accepted as soon as its file holds the right authority', async () => {
    const counts = await countFrom(secure, 'kubernetes')
    const caFile = join(directory, 'ca.pem')
    await writeFile(caFile, otherCa)
    const client = open({ server: secure, ca: undefined, caFile, startupTimeoutMs: 0 })
    await client.until((one) => one.status().lastFailure)
    const seen = await client.read()
    await writeFile(caFile, secure.caPem ?? '')
    const healthyAfterMs = await client.healthyAfter(performance.now())
    await client.close()
    const requests = await counts()
    report('CA file replaced', { [seen]: 1 }, requests, healthyAfterMs)
    expect(seen).toBe('ERR_VAULT_TLS')
    expect(requests.logins).toEqual({ total: 1, succeeded: 1, refused: 0 })
  })
})
