import { describe, expect, it } from 'vitest'
import { HOUR, jwt, MINUTE, SECOND, scene } from './support.js'
import { PERMISSION_DENIED, type Reply } from './vault-stand-in.js'

const answer = (status: number, ...errors: string[]): Reply => ({ status, body: { errors } })

/**
 * What a login refusal means: recorded texts. "Vault": 1.21.0 with vault-plugin-auth-kubernetes 0.23 and -jwt 0.25
 * (OpenBao 2.x shares these texts unless it has a row of its own). "older": plugins before Vault 1.12.
 */
const ROLE: Array<[string, 'kubernetes' | 'jwt', Reply]> = [
  ['unknown role, kubernetes mount, Vault', 'kubernetes', answer(400, 'invalid role name "app"')],
  ['missing role, kubernetes mount, Vault', 'kubernetes', answer(400, 'missing role')],
  ['unknown role, jwt mount, Vault', 'jwt', answer(400, 'role "app" could not be found')],
  ['missing role, jwt mount, Vault', 'jwt', answer(400, 'missing role')],
  ['role of the other type, jwt mount, Vault', 'jwt', answer(400, 'role with oidc role_type is not allowed')],
]
const JWT_REFUSED: Array<[string, 'kubernetes' | 'jwt', Reply]> = [
  [
    'expired, kubernetes mount, Vault and OpenBao',
    'kubernetes',
    answer(403, 'invalid expiration time (exp) claim: token is expired'),
  ],
  [
    'wrong audience, kubernetes mount, Vault',
    'kubernetes',
    answer(403, 'invalid audience (aud) claim: audience claim does not match any expected audience'),
  ],
  ['wrong issuer, kubernetes mount, Vault', 'kubernetes', answer(403, 'invalid issuer (iss) claim')],
  [
    'name not allowed, kubernetes mount, Vault',
    'kubernetes',
    answer(403, 'service account name not authorized'),
  ],
  ['namespace not allowed, kubernetes mount, Vault', 'kubernetes', answer(403, 'namespace not authorized')],
  [
    'expired, jwt mount, Vault',
    'jwt',
    answer(400, 'error validating token: invalid expiration time (exp) claim: token is expired'),
  ],
  [
    'wrong audience, jwt mount, Vault',
    'jwt',
    answer(
      400,
      'error validating token: invalid audience (aud) claim: audience claim does not match any expected audience',
    ),
  ],
  [
    'name or namespace not allowed, jwt mount, Vault',
    'jwt',
    answer(
      400,
      'error validating claims: claim "/kubernetes.io/namespace" does not match any associated bound claim values',
    ),
  ],
  [
    'aud without a bound audience, jwt mount, Vault',
    'jwt',
    answer(400, 'audience claim found in JWT but no audiences bound to the role'),
  ],
  [
    'unknown signing key, jwt mount, Vault',
    'jwt',
    answer(
      400,
      'error validating token: error verifying token signature: no known key successfully validated the token signature',
    ),
  ],
  ['issuer, kubernetes mount, older', 'kubernetes', answer(500, 'claim "iss" is invalid')],
  ['audience, kubernetes mount, older', 'kubernetes', answer(500, 'claim "aud" is invalid')],
  ['namespace, kubernetes mount, older', 'kubernetes', answer(500, 'namespace not authorized')],
  ['name, kubernetes mount, older', 'kubernetes', answer(500, 'service account name not authorized')],
  ['expired, kubernetes mount, older', 'kubernetes', answer(500, 'token is expired')],
]
const NOT_YET_VALID: Array<[string, 'kubernetes' | 'jwt', Reply]> = [
  [
    'kubernetes mount, Vault',
    'kubernetes',
    answer(403, 'invalid not before (nbf) claim: token not yet valid'),
  ],
  [
    'jwt mount, Vault',
    'jwt',
    answer(400, 'error validating token: invalid not before (nbf) claim: token not yet valid'),
  ],
  [
    'jwt mount, Vault, by iat',
    'jwt',
    answer(400, 'error validating token: invalid issued at (iat) claim: token issued in the future'),
  ],
  ['kubernetes mount, older', 'kubernetes', answer(500, 'token is not yet valid')],
]
const OPAQUE: Array<[string, 'kubernetes' | 'jwt', Reply]> = [
  [
    'TokenReview fails, or the API server is unreachable, kubernetes mount, Vault',
    'kubernetes',
    PERMISSION_DENIED,
  ],
  [
    'the same in the form of several errors',
    'kubernetes',
    answer(403, '1 error occurred:\n\t* permission denied\n\n'),
  ],
  [
    'the namespace selector cannot be asked, kubernetes mount, Vault',
    'kubernetes',
    answer(
      403,
      'namespace not authorized err=Get "https://10.0.0.1:443/api/v1/namespaces/apps": connection refused',
    ),
  ],
  [
    "the issuer's keys cannot be fetched, jwt mount, Vault",
    'jwt',
    answer(
      400,
      'error validating token: error verifying token signature: fetching keys oidc: get keys failed Get "https://issuer/keys": dial tcp: no such host',
    ),
  ],
]
const OUTAGE: Array<[string, string, Reply]> = [
  ['sealed', 'ERR_VAULT_SEALED', answer(503, 'Vault is sealed')],
  ['not initialised', 'ERR_VAULT_SEALED', { status: 501, body: { errors: [] } }],
  ['overloaded', 'ERR_VAULT_UNAVAILABLE', answer(503, 'overloaded, try again later')],
  [
    'a rate limit',
    'ERR_VAULT_RATE_LIMITED',
    answer(429, 'request path "auth/kubernetes/login": rate limit quota exceeded'),
  ],
  ['a lease quota', 'ERR_VAULT_RATE_LIMITED', answer(429, 'lease count quota exceeded')],
  ['412', 'ERR_VAULT_UNAVAILABLE', answer(412, 'required index state not present')],
  ['an internal error', 'ERR_VAULT_UNAVAILABLE', answer(500, 'internal error')],
  ["a proxy's page", 'ERR_VAULT_UNAVAILABLE', { status: 200, body: '<html>Sign in</html>' }],
  ['a broken connection', 'ERR_VAULT_UNAVAILABLE', 'reset'],
]

describe('a refused login', () => {
  it.each(ROLE)('rule 6: is fatal after three tries: %s', async (_what, method, reply) => {
    const { vault, clock, events, provide } = await scene()
    vault.always('/login', () => reply)
    const provider = provide({ method })
    const waiting = provider.getToken().catch((error: unknown) => error)
    await clock.advance(5 * SECOND)
    expect(await waiting).toMatchObject({ code: 'ERR_VAULT_ROLE', status: 400 })
    await clock.advance(HOUR)
    expect(vault.count('/login')).toBe(3)
    expect(provider.status()).toMatchObject({ state: 'failed', lastFailure: { class: 'role', count: 3 } })
    expect(events).toContainEqual(['state', { from: 'starting', to: 'failed' }])
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_VAULT_ROLE' })
    expect(vault.count('/login')).toBe(3)
    // Somebody has written the role, and says so.
    vault.always('/login', undefined)
    expect((await provider.login()).token).toMatch(/^hvs\./)
    expect(provider.status()).toMatchObject({ state: 'valid', failures: { ERR_VAULT_ROLE: 3 } })
  })

  it.each(JWT_REFUSED)(
    'rule 6: never sends the same JWT again, and waits for another: %s',
    async (_what, method, reply) => {
      const { vault, clock, jwts, events, provide } = await scene()
      const refused = jwts.value
      vault.always('/login', ({ body }) => (body.includes(refused) ? reply : (undefined as never)))
      const provider = provide({ method, startupTimeoutMs: 0 })
      await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_VAULT_JWT_REFUSED' })
      // Read again at once, in vain.
      await expect.poll(() => jwts.invalidated).toEqual([refused])
      await clock.advance(10 * MINUTE)
      expect(vault.count('/login')).toBe(1)
      expect(provider.status()).toMatchObject({
        state: 'unavailable',
        waitsForJwt: true,
        refusedJwt: { fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/) },
        lastFailure: { class: 'jwt-refused', count: 1 },
      })
      expect(events.filter(([name]) => name === 'jwtRefused')).toHaveLength(1)
      jwts.value = jwt({ jti: 'rotated' })
      await clock.advance(5 * SECOND)
      expect(vault.count('/login')).toBe(2)
      expect(provider.current?.token).toMatch(/^hvs\./)
      expect(provider.status()).toMatchObject({ state: 'valid', waitsForJwt: false, refusedJwt: undefined })
    },
  )

  it('rule 6: sends a refused JWT once more for each login() by hand, for a role that was corrected meanwhile', async () => {
    const { vault, clock, events, provide } = await scene()
    vault.always('/login', () => answer(403, 'service account name not authorized'))
    const provider = provide({ startupTimeoutMs: 0 })
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_VAULT_JWT_REFUSED' })
    await expect(provider.login()).rejects.toMatchObject({ code: 'ERR_VAULT_JWT_REFUSED' })
    await clock.advance(10 * MINUTE)
    expect(vault.count('/login')).toBe(2)
    expect(provider.status()).toMatchObject({
      waitsForJwt: true,
      refusedJwt: { fingerprint: expect.any(String) },
    })
    expect(events.filter(([name]) => name === 'jwtRefused')).toHaveLength(2)
    vault.always('/login', undefined)
    await clock.advance(10 * MINUTE)
    expect(vault.count('/login')).toBe(2)
    expect((await provider.login()).token).toMatch(/^hvs\./)
    expect(vault.count('/login')).toBe(3)
    expect(provider.status()).toMatchObject({ state: 'valid', waitsForJwt: false, refusedJwt: undefined })
  })

  it('rule 6: sends a JWT that the second look at the file finds at once', async () => {
    const { vault, jwts, provide } = await scene()
    const refused = jwts.value
    vault.always('/login', ({ body }) =>
      body.includes(refused)
        ? answer(403, 'invalid expiration time (exp) claim: token is expired')
        : (undefined as never),
    )
    const reread = {
      ...jwts,
      invalidate() {
        jwts.value = jwt({ jti: 'rotated' })
      },
    }
    expect((await provide({ jwt: reread }).getToken()).token).toMatch(/^hvs\./)
    expect(vault.count('/login')).toBe(2)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('of the foreign provider')
      },
    ],
    ['rejects', () => Promise.reject(new Error('of the foreign provider'))],
  ])('rule 6: is told to a provider of JWTs that %s, and is then what it was', async (_how, invalidate) => {
    const { vault, clock, jwts, provide } = await scene()
    vault.always('/login', () => answer(403, 'namespace not authorized'))
    const provider = provide({ jwt: { ...jwts, invalidate } as never, startupTimeoutMs: 0 })
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_VAULT_JWT_REFUSED' })
    await clock.advance(MINUTE)
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_VAULT_JWT_REFUSED' })
    expect(provider.status().waitsForJwt).toBe(true)
  })

  it('rule 6: a caller who asks finds another JWT without waiting for the next look', async () => {
    const { vault, jwts, provide } = await scene()
    vault.script('/login', answer(403, 'namespace not authorized'))
    const provider = provide({ startupTimeoutMs: 0 })
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_VAULT_JWT_REFUSED' })
    jwts.value = jwt({ jti: 'rotated' })
    expect((await provider.getToken()).token).toMatch(/^hvs\./)
  })

  it.each(NOT_YET_VALID)(
    'rule 6: sends a JWT that is not yet valid again, after a backoff: %s',
    async (_what, method, reply) => {
      const { vault, clock, jwts, provide } = await scene()
      vault.script('/login', reply, reply)
      const provider = provide({ method })
      const token = provider.getToken()
      await expect.poll(() => provider.status().lastFailure?.code).toBe('ERR_VAULT_JWT_NOT_YET_VALID')
      expect(provider.status().refusedJwt).toBeUndefined()
      await clock.advance(2 * SECOND)
      expect((await token).token).toMatch(/^hvs\./)
      expect(vault.count('/login')).toBe(3)
      expect(jwts.invalidated).toEqual([])
    },
  )

  it.each(OPAQUE)(
    'rule 6: is retried from 1 s to 5 min when the reason is not told: %s',
    async (_what, method, reply) => {
      const { vault, clock, provide } = await scene()
      vault.always('/login', () => reply)
      const provider = provide({ method, random: () => 0.999_999, startupTimeoutMs: 0 })
      const isOpaque = (reply as { status: number; body: { errors: string[] } }).body.errors[0]?.endsWith(
        'denied',
      )
      await expect(provider.getToken()).rejects.toMatchObject({
        code: isOpaque
          ? 'ERR_VAULT_PERMISSION_DENIED'
          : expect.stringMatching(/PERMISSION_DENIED|LOGIN_REFUSED/),
      })
      const gaps: number[] = []
      for (let i = 0; i < 11; i++) {
        const { logsInAtMs } = provider.status()
        const gap = (logsInAtMs as number) - clock.now()
        gaps.push(Math.round(gap / SECOND))
        await clock.advance(gap + 1)
      }
      expect(gaps).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
    },
  )

  it('rule 7: sends a rotated JWT at once when the last login failed', async () => {
    const { vault, clock, jwts, provide } = await scene()
    const first = jwts.value
    vault.always('/login', ({ body }) => (body.includes(first) ? PERMISSION_DENIED : (undefined as never)))
    const provider = provide({ random: () => 0.999 })
    await clock.advance(4 * MINUTE)
    const logins = vault.count('/login')
    jwts.value = jwt({ jti: 'rotated' })
    await clock.advance(5 * SECOND)
    expect(vault.count('/login')).toBe(logins + 1)
    expect(provider.status().state).toBe('valid')
  })

  it.each(OUTAGE)('rule 6: is retried when Vault is away: %s', async (_what, code, reply) => {
    const { vault, clock, provide } = await scene()
    vault.script('/login', reply, reply)
    const provider = provide()
    const token = provider.getToken()
    await expect.poll(() => provider.status().lastFailure?.code).toBe(code)
    // The first retry is jittered too (rule 8): half of the first second, here.
    expect(provider.status().logsInAtMs).toBe(clock.now() + 500)
    await clock.advance(5 * SECOND)
    expect((await token).token).toMatch(/^hvs\./)
    expect(vault.count('/login')).toBe(3)
  })

  it('rule 6: sends each attempt once: nothing below the state machine retries', async () => {
    const { vault, clock, provide } = await scene()
    vault.always('/login', () => 'reset')
    const provider = provide({ random: () => 0.999 })
    await expect.poll(() => provider.status().lastFailure?.count).toBe(1)
    expect(vault.count('/login')).toBe(1)
    await clock.advance(SECOND)
    expect(vault.count('/login')).toBe(2)
  })

  it('has no usable token when a second factor is wanted, and says so', async () => {
    const { vault, provide } = await scene()
    vault.grant = { client_token: '', mfa_requirement: { mfa_request_id: 'd0c9eec7', mfa_constraints: {} } }
    const provider = provide()
    for (let i = 0; i < 2; i++) {
      await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_VAULT_MFA_REQUIRED' })
    }
    expect(provider.status().state).toBe('failed')
  })

  it('is an answer that took too long', async () => {
    const { vault, clock, provide } = await scene()
    vault.script('/login', 'hang')
    const provider = provide({ requestTimeoutMs: 3_000 })
    await expect.poll(() => vault.count('/login')).toBe(1)
    await clock.advance(3 * SECOND)
    expect(provider.status().lastFailure).toMatchObject({ code: 'ERR_VAULT_UNAVAILABLE' })
    expect(provider.status().lastFailure?.message).toContain('no answer within 3 s')
    await clock.advance(SECOND)
    expect(provider.status().state).toBe('valid')
  })

  it("has the JWT provider's own error as its cause when there is no JWT", async () => {
    const { vault, clock, jwts, provide } = await scene()
    const cause = Object.assign(new Error("Token file '/x' does not exist"), { code: 'ERR_TOKEN_NOT_FOUND' })
    jwts.error = cause
    const provider = provide({ startupTimeoutMs: 0 })
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_VAULT_JWT_UNAVAILABLE', cause })
    jwts.error = undefined
    await clock.advance(SECOND)
    expect(provider.status().state).toBe('valid')
    expect(vault.count('/login')).toBe(1)
  })

  it('says that it is the JWT which it waits for, when its provider is as slow to start', async () => {
    const { vault, clock, provide } = await scene()
    const jwt = { getToken: () => new Promise<never>(() => {}), invalidate() {} }
    const provider = provide({ jwt })
    const waiting = provider.getToken().catch((error: unknown) => error)
    await clock.advance(10 * SECOND)
    expect(await waiting).toMatchObject({
      code: 'ERR_VAULT_JWT_UNAVAILABLE',
      message: expect.stringContaining('waits for a JWT'),
    })
    expect(vault.requests).toEqual([])
  })

  it('waits for a first token as long as the start-up time allows, and rejects at once afterwards', async () => {
    const { vault, clock, provide } = await scene()
    vault.always('/login', () => answer(503, 'Vault is sealed'))
    const provider = provide({ startupTimeoutMs: 10_000 })
    const waiting = provider.getToken().catch((error: unknown) => error)
    await clock.advance(9_999)
    expect(provider.status().state).toBe('starting')
    await clock.advance(1)
    expect(await waiting).toMatchObject({ code: 'ERR_VAULT_SEALED' })
    const logins = vault.count('/login')
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_VAULT_SEALED' })
    expect(provider.status().state).toBe('unavailable')
    expect(vault.count('/login')).toBe(logins)
  })

  it('names address, mount, role, what Vault said and the remedy, and no secret', async () => {
    const { vault, jwts, provide } = await scene()
    vault.always('/login', ({ body }) => answer(403, `service account name not authorized: ${body}`))
    const provider = provide({ mount: 'k8s/prod', namespace: 'team', startupTimeoutMs: 0 })
    const error = (await provider.getToken().catch((reason: unknown) => reason)) as Error
    expect(error.message).toContain(`at ${vault.url} (auth/k8s/prod, role 'app', namespace 'team')`)
    expect(error.message).toContain('403: "service account name not authorized')
    expect(error.message).toContain('another one is awaited')
    for (const part of jwts.value.split('.')) expect(error.message).not.toContain(part)
    expect(JSON.stringify(provider.status())).not.toContain(jwts.value.split('.')[1])
  })
})
