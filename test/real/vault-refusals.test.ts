import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createToken, type TokenProvider } from '@projected-token/core'
import type { VaultErrorCode } from '@projected-token/vault'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Kube, startKube } from './kube.js'
import { type ClientOptions, createClient } from './vault/client.js'
import { countFrom, report } from './vault/tally.js'
import { startVault, type Vault } from './vault.js'

/**
 * Every refusal of a login that a real server can be made to give, and what comes of it. Not here: a missing role or
 * JWT, which is never sent; what other tests show (sealed, TokenReview and JWKS away); what only older plugins say.
 */

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
let directory: string
let kube: Kube
let vault: Vault
let podJwt: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vault-refusals-'))
  kube = await startKube()
  vault = await startVault()
  podJwt = await createPodJwt('pod-one')
  await vault.putSecret('app', { password: 'example' })
  const publicKeys = [keys.publicKey.export({ type: 'spki', format: 'pem' }).toString()]
  await vault.enableKubernetesAuth({ kubernetesHost: kube.url, roles: { app: {} } })
  await vault.enableJwtAuth({ publicKeys, boundIssuer: kube.issuer, roles: { app: {} } })
  for (const mount of ['kubernetes', 'jwt']) {
    const isJwt = mount === 'jwt'
    await vault.writeRole(mount, 'other-audience', { audience: 'other', bound_audiences: ['other'] })
    await vault.writeRole(
      mount,
      'other-name',
      isJwt
        ? { bound_subject: 'system:serviceaccount:default:other' }
        : { bound_service_account_names: ['other'] },
    )
    await vault.writeRole(
      mount,
      'other-namespace',
      isJwt
        ? { bound_claims: { '/kubernetes.io/namespace': 'other' } }
        : { bound_service_account_namespaces: ['other'] },
    )
    await vault.writeRole(mount, 'no-audience', { audience: '', bound_audiences: [] })
  }
  await vault.request('POST', 'sys/auth/unconfigured', { type: 'kubernetes' })
  await vault.enableJwtAuth({ mount: 'limited', publicKeys, roles: { app: {} } })
  const quota = { path: 'auth/limited/', rate: 1, interval: '1h' }
  await vault.request('POST', 'sys/quotas/rate-limit/example', quota)
  await vault.login('limited', 'app', await sign())
  await vault.enableJwtAuth({ mount: 'factors', publicKeys, roles: { app: {} } })
  const { accessor } = (await vault.request('GET', 'sys/auth/factors')).body.data
  const method = await vault.request('POST', 'identity/mfa/method/totp', { issuer: 'example' })
  await vault.request('POST', 'identity/mfa/login-enforcement/example', {
    mfa_method_ids: [method.body.data.method_id],
    auth_method_accessors: [accessor],
  })
})
afterAll(async () => {
  await vault?.close()
  await kube?.close()
  await rm(directory, { recursive: true, force: true })
})

async function createPodJwt(pod: string): Promise<string> {
  const options = { directory: join(directory, pod), pod, syncMs: 0 }
  return readFile((await kube.createVolume(options)).path, 'utf8')
}

/** Seconds are from now. What a kubelet's token says, but signed by a key that only the jwt mounts know. */
function sign(
  times: { exp?: number; iat?: number; nbf?: number } = {},
  issuer = kube.issuer,
  key: KeyObject = keys.privateKey,
): Promise<string> {
  const nowS = Math.floor(Date.now() / 1000)
  return new SignJWT({
    'kubernetes.io': {
      namespace: 'default',
      pod: { name: 'pod-one', uid: '11111111-1111-1111-1111-111111111111' },
      serviceaccount: { name: 'build-robot', uid: '22222222-2222-2222-2222-222222222222' },
    },
  })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(issuer)
    .setSubject('system:serviceaccount:default:build-robot')
    .setAudience(['vault'])
    .setIssuedAt(nowS + (times.iat ?? 0))
    .setNotBefore(nowS + (times.nbf ?? 0))
    .setExpirationTime(nowS + (times.exp ?? 3600))
    .sign(key)
}

const own = (mount: string) => (mount === 'kubernetes' ? Promise.resolve(podJwt) : sign())
const expired = () => sign({ exp: -3_600, iat: -7_200, nbf: -7_200 })
const future = (claim: 'iat' | 'nbf') => sign({ [claim]: 3_600, exp: 7_200 })

/** A source of one JWT, whatever it is worth. */
function fixed(jwt: string): TokenProvider & { asked: number } {
  const token = createToken({ token: jwt, loadedAtMs: 0 })
  const source = {
    asked: 0,
    async getToken() {
      source.asked++
      return token
    },
    invalidate() {},
  }
  return source
}

async function refused(
  condition: string,
  mount: string,
  role: string,
  jwt: string,
  options: ClientOptions = {},
) {
  const counts = await countFrom(vault, mount)
  const source = fixed(jwt)
  const more = { mount, role, startupTimeoutMs: 0, ...options }
  const client = createClient(vault, source, more)
  onTestFinished(() => client.close())
  await client.until((one) => one.status().lastFailure)
  const { class: failure, message = '' } = client.provider.status().lastFailure ?? {}
  const seen = await client.read()
  const end = async () => {
    await client.close()
    const requests = await counts()
    report(`${condition}, ${mount}`, `${seen} (${failure})`, requests, 'never')
    return requests
  }
  return { ...{ client, source, failure, message, seen, end } }
}

describe('a refused login', () => {
  it.each<[string, string, string, () => Promise<string>, string]>([
    ['expired', 'kubernetes', 'app', expired, '403: "invalid expiration time (exp) claim'],
    ['expired', 'jwt', 'app', expired, '400: "error validating token: invalid expiration time'],
    [
      'audience',
      'kubernetes',
      'other-audience',
      () => own('kubernetes'),
      '403: "invalid audience (aud) claim',
    ],
    ['audience', 'jwt', 'other-audience', sign, '400: "error validating token: invalid audience (aud) claim'],
    [
      'name',
      'kubernetes',
      'other-name',
      () => own('kubernetes'),
      '403: "service account name not authorized"',
    ],
    ['name', 'jwt', 'other-name', sign, '400: "error validating token: invalid subject (sub) claim"'],
    [
      'namespace',
      'kubernetes',
      'other-namespace',
      () => own('kubernetes'),
      '403: "namespace not authorized"',
    ],
    ['namespace', 'jwt', 'other-namespace', sign, '400: "error validating claims: claim'],
    ['no bound audience', 'jwt', 'no-audience', sign, '400: "audience claim found in JWT but no audiences'],
    [
      'issuer',
      'jwt',
      'app',
      () => sign({}, 'https://other.example'),
      '400: "error validating token: invalid issuer',
    ],
    [
      'key',
      'jwt',
      'app',
      () => sign({}, kube.issuer, foreign),
      '400: "error validating token: error verifying',
    ],
    ['malformed', 'jwt', 'app', async () => 'not-a-jwt', '400: "error validating token: error verifying'],
  ])('for the JWT is not repeated: %s, %s mount', async (condition, mount, role, jwt, said) => {
    const { client, failure, message, seen, end } = await refused(condition, mount, role, await jwt())
    await client.until((one) => one.status().logsInAtMs === undefined)
    expect(client.provider.status()).toMatchObject({ state: 'unavailable', waitsForJwt: true })
    expect([failure, seen]).toEqual(['jwt-refused', 'ERR_VAULT_JWT_REFUSED'])
    expect(message).toContain(said)
    expect((await end()).logins).toEqual({ total: 1, succeeded: 0, refused: 1 })
  })

  it.each<[string, string, () => Promise<string>]>([
    ['not before', 'kubernetes', () => future('nbf')],
    ['not before', 'jwt', () => future('nbf')],
    ['issued', 'kubernetes', () => future('iat')],
    ['issued', 'jwt', () => future('iat')],
  ])('for a JWT of the future is retried: %s, %s mount', async (condition, mount, jwt) => {
    const { client, failure, seen, end } = await refused(`${condition} later`, mount, 'app', await jwt())
    expect([failure, seen]).toEqual(['jwt-not-yet-valid', 'ERR_VAULT_JWT_NOT_YET_VALID'])
    expect(client.provider.status().refusedJwt).toBeUndefined()
    await client.until((one) => (one.status().lastFailure?.count ?? 0) >= 2)
    expect((await end()).logins).toMatchObject({ total: 2, succeeded: 0 })
  })

  it.each<[string, string, string, () => Promise<string>]>([
    ['foreign issuer', 'kubernetes', 'app', () => sign({}, 'https://other.example')],
    ['foreign key', 'kubernetes', 'app', () => sign({}, kube.issuer, foreign)],
    ['malformed', 'kubernetes', 'app', async () => 'not-a-jwt'],
    ['no such mount', 'nowhere', 'app', () => own('kubernetes')],
  ])('without a reason is retried: %s, %s mount', async (condition, mount, role, jwt) => {
    const { client, failure, message, seen, end } = await refused(condition, mount, role, await jwt())
    expect([failure, seen]).toEqual(['denied', 'ERR_VAULT_PERMISSION_DENIED'])
    expect(message).toContain('403: "permission denied"')
    expect(client.provider.status().refusedJwt).toBeUndefined()
    await client.until((one) => (one.status().lastFailure?.count ?? 0) >= 2)
    expect((await end()).logins).toMatchObject({ total: 2, succeeded: 0 })
  })

  it.each([
    ['unknown role', 'kubernetes', 'kubernetes', '400: "invalid role name "nobody"'],
    ['unknown role', 'jwt', 'jwt', '400: "role "nobody" could not be found"'],
    ['unconfigured mount', 'unconfigured', 'kubernetes', '400: "invalid role name'],
  ] as const)('for the role is final after three: %s, %s mount', async (condition, mount, method, said) => {
    const options = { method, random: () => 0.2 }
    const { client, failure, message, seen, end } = await refused(
      condition,
      mount,
      'nobody',
      await own(method),
      options,
    )
    await client.until((one) => one.status().state === 'failed')
    for (let read = 0; read < 20; read++) expect(await client.read()).toBe('ERR_VAULT_ROLE')
    expect([failure, seen]).toEqual(['role', 'ERR_VAULT_ROLE'])
    expect(message).toContain(said)
    expect((await end()).logins).toEqual({ total: 3, succeeded: 0, refused: 3 })
  })

  it.each<[string, string, string, VaultErrorCode]>([
    ['rate limit', 'limited', 'rate-limited', 'ERR_VAULT_RATE_LIMITED'],
    ['second factor', 'factors', 'mfa', 'ERR_VAULT_MFA_REQUIRED'],
  ])('is told by its own code: %s', async (condition, mount, expected, code) => {
    const { failure, seen, end } = await refused(condition, mount, 'app', await sign(), { method: 'jwt' })
    await end()
    expect([failure, seen]).toEqual([expected, code])
  })
})

describe('an accepted login', () => {
  it.each<[string, string, string, () => Promise<string>]>([
    ['no bound audience', 'kubernetes', 'no-audience', () => own('kubernetes')],
    // Vault's leeway: the token's own clock decides whether it is sent, not this package.
    ['expired 5 s ago', 'jwt', 'app', () => sign({ exp: -5 })],
  ])('is one for Vault too: %s, %s mount', async (condition, mount, role, jwt) => {
    const counts = await countFrom(vault, mount)
    const client = createClient(vault, fixed(await jwt()), { mount, role })
    onTestFinished(() => client.close())
    expect(await client.read()).toBe('200')
    await client.close()
    const requests = await counts()
    report(condition, { 200: 1 }, requests)
    expect(requests.logins).toEqual({ total: 1, succeeded: 1, refused: 0 })
  })
})
