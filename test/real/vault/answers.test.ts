import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Kube, startKube } from '../kube.js'
import { startVault, type Vault, type VaultAnswer, type VaultRole } from '../vault.js'

/**
 * What Vault answers in every condition that a client must tell from others. Kept in answers.json, on which tests
 * without a server rest; PROJECTED_TOKEN_RECORD=1 writes it anew (`npm run format` afterwards).
 */

interface Answer {
  condition: string
  /** The auth method that gave the token or refused it. */
  mount: string
  method: string
  path: string
  status: number
  retryAfter?: string
  body?: unknown
}

const recordedFile = new URL('./answers.json', import.meta.url)
const pollTimeoutMs = 15_000
const reader = ['secret-reader']
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const answers: Answer[] = []
let directory: string
let kube: Kube
let vault: Vault
let podJwt: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vault-answers-'))
  kube = await startKube()
  vault = await startVault()
  podJwt = await createPodJwt('pod-one')
  await vault.putSecret('app', { password: 'example' })
})
afterAll(async () => {
  await vault?.close()
  await kube?.close()
  await rm(directory, { recursive: true, force: true })
})

it('answers as recorded in answers.json', async () => {
  await enableMethods()
  await recordLogins()
  await recordRefusedLogins()
  await recordOutages()
  await recordTokens()
  await recordRenewals()
  await recordServer()
  if (process.env.PROJECTED_TOKEN_RECORD) await writeFile(recordedFile, JSON.stringify(answers, null, 2))
  expect(answers).toEqual(JSON.parse(await readFile(recordedFile, 'utf8')))
})

async function enableMethods() {
  const roles: Record<string, VaultRole> = {
    app: { token_ttl: '1h' },
    batch: { token_ttl: '1h', token_type: 'batch' },
    once: { token_ttl: '1h', token_num_uses: 1 },
    periodic: { token_period: '1h' },
    short: { token_ttl: '1s', token_max_ttl: '1s' },
    capped: { token_ttl: '10s', token_max_ttl: '10s' },
    doomed: { token_ttl: '1h' },
    bare: { token_ttl: '1h', token_no_default_policy: true, token_policies: reader },
  }
  await vault.enableKubernetesAuth({ kubernetesHost: kube.url, roles })
  await vault.writeRole('kubernetes', 'other-name', { bound_service_account_names: ['other'] })
  await vault.writeRole('kubernetes', 'other-namespace', { bound_service_account_namespaces: ['other'] })
  await vault.writeRole('kubernetes', 'other-audience', { audience: 'other' })
  await vault.writeRole('kubernetes', 'no-audience', { audience: '' })
  const publicKeys = [keys.publicKey.export({ type: 'spki', format: 'pem' }).toString()]
  await vault.enableJwtAuth({ publicKeys, boundIssuer: kube.issuer, roles })
  await vault.writeRole('jwt', 'other-name', { bound_subject: 'system:serviceaccount:default:other' })
  await vault.writeRole('jwt', 'other-namespace', { bound_claims: { '/kubernetes.io/namespace': 'other' } })
  await vault.writeRole('jwt', 'other-audience', { bound_audiences: ['other'] })
  await vault.writeRole('jwt', 'no-audience', { bound_audiences: [] })
}

async function recordLogins() {
  for (const mount of ['kubernetes', 'jwt']) {
    await recordLogin('login accepted', mount, 'app')
    await recordLogin('login accepted, batch token', mount, 'batch')
    await recordLogin('login accepted, limited uses', mount, 'once')
    await recordLogin('login accepted, periodic token', mount, 'periodic')
  }
  const body = { role: 'app', jwt: podJwt }
  const wrapped = { 'x-vault-token': undefined, 'x-vault-wrap-ttl': '60s' }
  const path = 'auth/kubernetes/login'
  record(
    'login accepted, response wrapped',
    'kubernetes',
    'POST',
    path,
    await vault.request('POST', path, body, wrapped),
  )

  const key = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  await vault.enableJwtAuth({ mount: 'mfa', publicKeys: [key], roles: { app: {} } })
  const { accessor } = (await succeed('GET', 'sys/auth/mfa')).data
  const { method_id: id } = (await succeed('POST', 'identity/mfa/method/totp', { issuer: 'example' })).data
  await succeed('POST', 'identity/mfa/login-enforcement/example', {
    mfa_method_ids: [id],
    auth_method_accessors: [accessor],
  })
  await recordLogin('login accepted, second factor wanted', 'mfa', 'app', await sign())
}

async function recordRefusedLogins() {
  for (const mount of ['kubernetes', 'jwt']) {
    const path = `auth/${mount}/login`
    const login = (body: unknown) => vault.request('POST', path, body, { 'x-vault-token': undefined })
    const jwt = await jwtFor(mount)
    record('login without a role', mount, 'POST', path, await login({ jwt }))
    record('login without a jwt', mount, 'POST', path, await login({ role: 'app' }))
    await recordLogin('login with an empty jwt', mount, 'app', '')
    await recordLogin('login for an unknown role', mount, 'nobody')
    await recordLogin('login with a malformed jwt', mount, 'app', 'not-a-jwt')
    await recordLogin('login with a line end after the jwt', mount, 'app', `${jwt}\n`)
    const [past, future] = [-3600, 3600]
    await recordLogin(
      'login with an expired jwt',
      mount,
      'app',
      await sign({ exp: past, iat: 2 * past, nbf: 2 * past }),
    )
    await recordLogin(
      'login with a jwt not yet valid',
      mount,
      'app',
      await sign({ nbf: future, exp: 2 * future }),
    )
    await recordLogin(
      'login with a jwt issued in the future',
      mount,
      'app',
      await sign({ iat: future, exp: 2 * future }),
    )
    await recordLogin('login for another audience', mount, 'other-audience')
    await recordLogin('login for a role that binds no audience', mount, 'no-audience')
    await recordLogin('login of another service account', mount, 'other-name')
    await recordLogin('login of another namespace', mount, 'other-namespace')
    await recordLogin(
      'login with a jwt of another issuer',
      mount,
      'app',
      await sign({}, 'https://other.example'),
    )
    const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    await recordLogin('login with a jwt of another key', mount, 'app', await sign({}, kube.issuer, foreign))
  }
  const deleted = await createPodJwt('pod-two')
  await kube.deletePod('pod-two')
  await recordLogin('login of a deleted pod', 'kubernetes', 'app', deleted)
  const brief = await createPodJwt('pod-three', kube, 1)
  const ageMs = () => Date.now() - (decodeJwt(brief).exp ?? 0) * 1000
  await expect.poll(ageMs, { timeout: pollTimeoutMs }).toBeGreaterThan(0)
  await recordLogin('login with a jwt that expired seconds ago', 'kubernetes', 'app', brief)
  await recordLogin('login with a jwt that expired seconds ago', 'jwt', 'app', await sign({ exp: -5 }))
  await recordLogin('login at a mount that does not exist', 'nowhere', 'app', podJwt)
  await succeed('POST', 'sys/auth/unconfigured', { type: 'kubernetes' })
  await recordLogin('login at a mount that is not configured', 'unconfigured', 'app', podJwt)
}

async function recordOutages() {
  await kube.setTokenReviewOutage(true)
  await recordLogin('login while TokenReview answers 503', 'kubernetes', 'app')
  await kube.setTokenReviewOutage(false)
  const away = await startKube()
  const roles = { app: {} }
  await vault.enableKubernetesAuth({ mount: 'away', kubernetesHost: away.url, roles })
  await vault.enableJwtAuth({ mount: 'fresh-jwks', jwksUrl: away.jwksUrl, roles })
  await vault.enableJwtAuth({ mount: 'used-jwks', jwksUrl: away.jwksUrl, roles })
  const jwt = await createPodJwt('pod-away', away)
  await recordLogin('login with a key from the JWKS', 'used-jwks', 'app', jwt)
  await away.close()
  await recordLogin('login while the API server is unreachable', 'away', 'app', jwt)
  await recordLogin('login while the JWKS is unreachable', 'fresh-jwks', 'app', jwt)
  await recordLogin('login while the JWKS is unreachable, its keys known', 'used-jwks', 'app', jwt)
  await recordLogin('login with a new key while the JWKS is unreachable', 'used-jwks', 'app', podJwt)
}

async function recordTokens() {
  for (const mount of ['kubernetes', 'jwt']) {
    const token = await tokenOf(mount, 'app')
    await recordWith('read', mount, token, 'GET', 'secret/data/app')
    await recordWith('read of a secret that is not there', mount, token, 'GET', 'secret/data/none')
    await recordWith('read against the policy', mount, token, 'GET', 'sys/auth')
    await recordWith('lookup', mount, token, 'GET', 'auth/token/lookup-self')
    await recordWith('revocation of itself', mount, token, 'POST', 'auth/token/revoke-self')
    await recordWith('read with a revoked token', mount, token, 'GET', 'secret/data/app')
    await recordWith('lookup of a revoked token', mount, token, 'GET', 'auth/token/lookup-self')
    await recordWith('revocation of a revoked token', mount, token, 'POST', 'auth/token/revoke-self')
    const once = await tokenOf(mount, 'once')
    await recordWith('read with the last use', mount, once, 'GET', 'secret/data/app')
    await recordWith('read with no use left', mount, once, 'GET', 'secret/data/app')
    const short = await expiredTokenOf(mount)
    await recordWith('read with a token past its max TTL', mount, short, 'GET', 'secret/data/app')
    const bare = await tokenOf(mount, 'bare')
    await recordWith('lookup without the default policy', mount, bare, 'GET', 'auth/token/lookup-self')
    const batch = await tokenOf(mount, 'batch')
    await recordWith('revocation of a batch token', mount, batch, 'POST', 'auth/token/revoke-self')
  }
  await recordWith('read without a token', 'token', undefined, 'GET', 'secret/data/app')
  await recordWith('read with a token that never was', 'token', 'hvs.never', 'GET', 'secret/data/app')
}

async function recordRenewals() {
  const renew = (condition: string, mount: string, token: string) =>
    recordWith(condition, mount, token, 'POST', 'auth/token/renew-self')
  for (const mount of ['kubernetes', 'jwt']) {
    await renew('renewal', mount, await tokenOf(mount, 'app'))
    await renew('renewal of a periodic token', mount, await tokenOf(mount, 'periodic'))
    await recordCappedRenewal(mount)
    await renew('renewal past the max TTL', mount, await expiredTokenOf(mount))
    await renew('renewal with the last use', mount, await tokenOf(mount, 'once'))
    await renew('renewal of a batch token', mount, await tokenOf(mount, 'batch'))
    await renew('renewal without the default policy', mount, await tokenOf(mount, 'bare'))
    const doomed = await tokenOf(mount, 'doomed')
    await vault.deleteRole(mount, 'doomed')
    await renew('renewal after the role was deleted', mount, doomed)
    await recordWith('read after the role was deleted', mount, doomed, 'GET', 'secret/data/app')
    const revoked = await tokenOf(mount, 'app')
    await vault.request('POST', 'auth/token/revoke-self', undefined, { 'x-vault-token': revoked })
    await renew('renewal of a revoked token', mount, revoked)
  }
  const token = await tokenOf('kubernetes', 'app')
  await kube.setTokenReviewOutage(true)
  await renew('renewal while TokenReview answers 503', 'kubernetes', token)
  await kube.setTokenReviewOutage(false)
  const { auth } = await succeed('POST', 'auth/token/create', {
    policies: reader,
    ttl: '1h',
    renewable: false,
  })
  await renew('renewal of a token that is not renewable', 'token', auth.client_token)
  await vault.enableJwtAuth({ mount: 'gone', jwksUrl: kube.jwksUrl, roles: { app: {} } })
  const orphan = (await vault.login('gone', 'app', podJwt)).body.auth.client_token
  await succeed('DELETE', 'sys/auth/gone')
  await renew('renewal after the mount was disabled', 'gone', orphan)
}

async function recordCappedRenewal(mount: string) {
  const [method, path] = ['POST', 'auth/token/renew-self']
  const headers = { 'x-vault-token': await tokenOf(mount, 'capped') }
  let answer: VaultAnswer | undefined
  const renew = async () => {
    answer = await vault.request(method, path, undefined, headers)
    return answer.body.auth.lease_duration
  }
  await expect.poll(renew, { timeout: pollTimeoutMs }).toBeLessThan(10)
  if (answer) record('renewal near the max TTL', mount, method, path, answer)
}

async function recordServer() {
  const team = { 'x-vault-namespace': 'team' }
  const login = { role: 'app', jwt: podJwt }
  const [path, secret] = ['auth/kubernetes/login', 'secret/data/app']
  const inTeam = await vault.request('POST', path, login, { ...team, 'x-vault-token': undefined })
  record('login in a namespace, on the community edition', 'kubernetes', 'POST', path, inTeam)
  const token = await tokenOf('kubernetes', 'app')
  const read = await vault.request('GET', secret, undefined, { ...team, 'x-vault-token': token })
  record('read in a namespace, on the community edition', 'kubernetes', 'GET', secret, read)

  await succeed('POST', 'sys/quotas/rate-limit/example', {
    path: 'auth/kubernetes/',
    rate: 1,
    interval: '1h',
  })
  await vault.login('kubernetes', 'app', podJwt)
  await recordLogin('login over the rate limit', 'kubernetes', 'app')
  await succeed('POST', 'sys/quotas/config', { enable_rate_limit_response_headers: true })
  await recordLogin('login over the rate limit, with its headers', 'kubernetes', 'app')
  await succeed('DELETE', 'sys/quotas/rate-limit/example')

  await recordWith('health', 'token', undefined, 'GET', 'sys/health')
  await vault.seal()
  await recordWith('health while sealed', 'token', undefined, 'GET', 'sys/health')
  await recordLogin('login while sealed', 'kubernetes', 'app')
  await recordWith('read while sealed', 'kubernetes', token, 'GET', secret)
  await recordWith('renewal while sealed', 'kubernetes', token, 'POST', 'auth/token/renew-self')
  await recordWith('lookup while sealed', 'kubernetes', token, 'GET', 'auth/token/lookup-self')
  await vault.unseal()
  await vault.restart({ keepStorage: false })
  await recordWith('read after the storage was lost', 'kubernetes', token, 'GET', secret)
  await recordLogin('login after the storage was lost', 'kubernetes', 'app')
}

/** Seconds are from now. What a kubelet's token says, but signed by a key that only the jwt mount knows. */
function sign(
  times: { exp?: number; iat?: number; nbf?: number } = {},
  issuer = kube.issuer,
  key = keys.privateKey,
) {
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

async function createPodJwt(pod: string, by = kube, expirationSeconds = 7_200): Promise<string> {
  const { path } = await by.createVolume({
    directory: join(directory, pod),
    pod,
    expirationSeconds,
    syncMs: 0,
  })
  return readFile(path, 'utf8')
}

const jwtFor = async (mount: string) => (mount === 'jwt' ? await sign() : podJwt)

async function tokenOf(mount: string, role: string): Promise<string> {
  const { status, body } = await vault.login(mount, role, await jwtFor(mount))
  expect(status, JSON.stringify(body)).toBe(200)
  return body.auth.client_token
}

async function expiredTokenOf(mount: string): Promise<string> {
  const token = await tokenOf(mount, 'short')
  const read = async () =>
    (await vault.request('GET', 'secret/data/app', undefined, { 'x-vault-token': token })).status
  await expect.poll(read, { timeout: pollTimeoutMs }).toBe(403)
  return token
}

async function succeed(method: string, path: string, body?: unknown) {
  const answer = await vault.request(method, path, body)
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(400)
  return answer.body
}

async function recordLogin(condition: string, mount: string, role: string, jwt?: string) {
  const answer = await vault.login(mount, role, jwt ?? (await jwtFor(mount)))
  record(condition, mount, 'POST', `auth/${mount}/login`, answer)
}

async function recordWith(
  condition: string,
  mount: string,
  token: string | undefined,
  method: string,
  path: string,
) {
  const answer = await vault.request(method, path, undefined, { 'x-vault-token': token })
  record(condition, mount, method, path, answer)
}

function record(
  condition: string,
  mount: string,
  method: string,
  path: string,
  { status, headers, body }: VaultAnswer,
) {
  const retryAfter = headers['retry-after']
  answers.push({
    ...{ condition, mount, method, path, status },
    ...(retryAfter !== undefined && { retryAfter: retryAfter.replace(/^\d+$/, '3600') }),
    ...(body !== undefined && { body: withoutChance(body) }),
  })
}

/** What differs from run to run is replaced by an example of it. */
function withoutChance(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body), (key, value) => {
    if (typeof value === 'string') {
      if (key.endsWith('accessor')) return value && 'accessor'
      return value
        .replace(/\bhv[sb]\.[\w-]+/, (token) => `${token.slice(0, 4)}example`)
        .replace(/\b[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\b/, '01234567-89ab-cdef-0123-456789abcdef')
        .replace(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/, '2026-01-01T00:00:00Z')
        .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:6443')
        .replace(/"[\d.]+s"/g, '"9.5s"')
    }
    if (typeof value === 'number') {
      if (key === 'creation_time' || key === 'server_time_utc') return 1_767_225_600
      if (key.endsWith('_ms')) return 0
      if (key === 'ttl' && value > 3_500) return 3_599
      if (key === 'lease_duration' && value > 0 && value < 10) return 9
    }
    return value
  })
}
