import { inspect } from 'node:util'
import { createVaultTokenProvider, VaultError } from '@projected-token/vault'
import { describe, expect, it, vi } from 'vitest'
import { HOUR, jwt, jwtSource, MINUTE, SECOND, scene } from './support.js'
import { DEAD_TOKEN_VAULT, PERMISSION_DENIED } from './vault-stand-in.js'

describe('close()', () => {
  it('rule 11: ends timers and requests, and getToken() then rejects', async () => {
    const { vault, clock, events, provide } = await scene()
    const provider = provide()
    await provider.getToken()
    await provider.close()
    expect(clock.pendingTimers).toBe(0)
    expect(provider.current).toBeUndefined()
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_VAULT_CLOSED' })
    await expect(provider.login()).rejects.toMatchObject({ code: 'ERR_VAULT_CLOSED' })
    expect(provider.status()).toMatchObject({ state: 'closed', renewsAtMs: undefined })
    expect(events.at(-1)).toEqual(['state', { from: 'valid', to: 'closed' }])
    await clock.advance(HOUR)
    expect(vault.requests).toHaveLength(1)
  })

  it('rule 11: gives up a login under way, and rejects those who wait for it', async () => {
    const { vault, clock, provide } = await scene()
    vault.always('/login', () => 'hang')
    const provider = provide()
    const waiting = provider.getToken().catch((error: unknown) => error)
    await expect.poll(() => vault.count('/login')).toBe(1)
    await provider.close()
    expect(await waiting).toMatchObject({ code: 'ERR_VAULT_CLOSED' })
    expect(clock.pendingTimers).toBe(0)
  })

  it('is not needed to end the wait for a first token, which holds the process, once all who wait have aborted', async () => {
    const { clock, provide } = await scene()
    const provider = provide({ jwt: { getToken: () => new Promise<never>(() => {}), invalidate() {} } })
    const { pendingTimers } = clock
    const controller = new AbortController()
    const { signal } = controller
    const waiting = [1, 2].map(() => provider.getToken({ signal }).catch((reason: unknown) => reason))
    controller.abort('enough')
    expect(await Promise.all(waiting)).toEqual(['enough', 'enough'])
    expect(clock.pendingTimers).toBe(pendingTimers)
  })

  it('rule 11: revokes a service token if asked, and not otherwise', async () => {
    const { vault, provide } = await scene()
    const kept = provide()
    await kept.getToken()
    await kept.close()
    expect(vault.count('/revoke-self')).toBe(0)
    const revoked = provide({ revokeOnClose: true })
    const { token } = await revoked.getToken()
    await revoked.close()
    expect(vault.last('/revoke-self')).toMatchObject({ method: 'POST', headers: { 'x-vault-token': token } })
  })

  it.each([
    ['batch token, which cannot be', { token_type: 'batch' }],
    ['root token', { lease_duration: 0, policies: ['root'], token_policies: ['root'] }],
  ])('rule 11: does not revoke a %s', async (_what, grant) => {
    const { vault, provide } = await scene()
    vault.grant = grant
    const provider = provide({ revokeOnClose: true })
    await provider.getToken()
    await provider.close()
    expect(vault.count('/revoke-self')).toBe(0)
  })

  it('rule 11: revokes what a login under way still gives', async () => {
    const { vault, provide } = await scene()
    let answer = () => {}
    vault.always('/login', async () => {
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return undefined as never
    })
    const provider = provide({ revokeOnClose: true })
    await expect.poll(() => vault.count('/login')).toBe(1)
    const closing = provider.close()
    answer()
    await closing
    expect(vault.live.size).toBe(0)
  })

  it('rule 11: takes no longer than 2 s, whatever Vault does', async () => {
    const { vault, clock, provide } = await scene()
    vault.always('/revoke-self', () => 'hang')
    const provider = provide({ revokeOnClose: true })
    await provider.getToken()
    const closing = provider.close()
    await expect.poll(() => vault.count('/revoke-self')).toBe(1)
    await clock.advance(2 * SECOND)
    await closing
    expect(clock.pendingTimers).toBe(0)
  })

  it('is what `await using` calls', async () => {
    const { provide } = await scene()
    const provider = provide()
    await provider[Symbol.asyncDispose]()
    expect(provider.status().state).toBe('closed')
  })
})

describe('status()', () => {
  it('says who logged in, with what, and when it will be renewed', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide({ namespace: 'team', mount: 'auth/k8s/prod/' })
    expect(provider.status()).toMatchObject({ state: 'starting', activity: 'login', token: undefined })
    await provider.getToken()
    expect(vault.last('/login').path).toBe('/v1/auth/k8s/prod/login')
    expect(provider.status()).toEqual({
      state: 'valid',
      activity: 'idle',
      address: vault.url,
      namespace: 'team',
      method: 'kubernetes',
      mount: 'k8s/prod',
      role: 'app',
      token: {
        accessor: 'accessor-1',
        policies: ['app', 'default'],
        tokenPolicies: ['app', 'default'],
        identityPolicies: [],
        numUses: undefined,
        type: 'service',
        entityId: '0a1b2c3d-0000-4000-8000-000000000001',
        metadata: { role: 'app', service_account_name: 'app-sa', service_account_namespace: 'apps' },
        who: 'apps/app-sa',
        renewable: true,
        leaseMs: HOUR,
        loggedInAtMs: clock.now(),
        renewedAtMs: undefined,
        expiresAtMs: clock.now() + HOUR,
      },
      renewsAtMs: clock.now() + 42 * MINUTE,
      logsInAtMs: undefined,
      waitsForJwt: false,
      logins: 1,
      renewals: 0,
      lookups: 0,
      refusedJwt: undefined,
      failures: {},
      lastFailure: undefined,
      warnings: [],
    })
  })

  it('tells the policies of the role from those of the identity, and a limit of uses', async () => {
    const { vault, provide } = await scene()
    vault.grant = { identity_policies: ['team'], policies: ['app', 'default', 'team'], num_uses: 3 }
    const provider = provide()
    await provider.getToken()
    expect(provider.status().token).toMatchObject({
      policies: ['app', 'default', 'team'],
      tokenPolicies: ['app', 'default'],
      identityPolicies: ['team'],
      numUses: 3,
    })
  })

  it('follows the token through an outage to its end and back, as the events do', async () => {
    const { vault, clock, events, provide } = await scene()
    const provider = provide()
    const first = await provider.getToken()
    vault.always('', () => ({ status: 503, body: { errors: ['Vault is sealed'] } }))
    await clock.advance(2 * HOUR)
    expect(provider.status()).toMatchObject({
      state: 'expired',
      lastFailure: { class: 'sealed', ongoing: true },
    })
    await expect(provider.getToken()).rejects.toBeInstanceOf(VaultError)
    vault.always('', undefined)
    await clock.advance(5 * MINUTE)
    expect(provider.status()).toMatchObject({ state: 'valid', lastFailure: { ongoing: false }, logins: 2 })
    expect(events.map(([name]) => name)).toEqual([
      'login',
      'state',
      'failed',
      'expired',
      'state',
      'login',
      'recovered',
      'state',
    ])
    expect(events.find(([name]) => name === 'expired')?.[1]).toMatchObject({
      token: { loadedAtMs: first.loadedAtMs },
    })
  })

  it('tells of the expiry in time, also while a login hangs', async () => {
    const { vault, clock, events, provide } = await scene()
    vault.grant = { renewable: false, lease_duration: 30 }
    const provider = provide()
    await provider.getToken()
    vault.always('/login', () => 'hang')
    await clock.advance(30 * SECOND)
    expect(provider.status()).toMatchObject({ state: 'expired', activity: 'login' })
    expect(events.map(([name]) => name)).toEqual(['login', 'state', 'expired', 'state'])
  })

  it('shows, as the events and errors do, neither a JWT nor a Vault token', async () => {
    const { vault, clock, jwts, events, provide } = await scene()
    const provider = provide()
    await provider.getToken()
    vault.always('/login', ({ body }) => ({
      status: 403,
      body: { errors: [`namespace not authorized ${body}`] },
    }))
    vault.always('/renew-self', ({ headers }) => ({
      status: 400,
      body: { errors: [`bad lease of ${headers['x-vault-token']}`] },
    }))
    await clock.advance(HOUR)
    const error = await provider.getToken().catch((reason: unknown) => reason)
    const shown = [provider, provider.status(), events, error]
      .map((value) => inspect(value, { depth: 10, showHidden: true }) + JSON.stringify(value))
      .join('\n')
    expect(shown).toContain('namespace not authorized')
    for (const secret of [...vault.issued, ...jwts.value.split('.')]) expect(shown).not.toContain(secret)
  })

  it('survives a listener that throws', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { provide } = await scene()
    const provider = provide()
    provider.on('login', () => {
      throw new Error('a bug of somebody else')
    })
    await provider.getToken()
    await expect.poll(() => warned).toHaveBeenCalled()
    expect(provider.status().state).toBe('valid')
    warned.mockRestore()
  })
})

describe('a token that somebody reports as refused', () => {
  it('is looked up without Vault’s words, and kept when it lives', async () => {
    const { vault, provide } = await scene()
    const provider = provide()
    const token = await provider.getToken()
    provider.invalidate(token)
    expect(provider.current).toBeUndefined()
    expect(await provider.getToken()).toBe(token)
    expect(vault.count('/lookup-self')).toBe(1)
    expect(provider.status()).toMatchObject({ lookups: 1, logins: 1 })
  })

  it('is replaced when the lookup finds it dead', async () => {
    const { vault, provide } = await scene()
    const provider = provide()
    const token = await provider.getToken()
    vault.revokeAll()
    provider.invalidate(token)
    expect((await provider.getToken()).token).not.toBe(token.token)
  })

  it('is kept when Vault cannot say', async () => {
    const { vault, provide } = await scene()
    const provider = provide()
    const token = await provider.getToken()
    vault.script('/lookup-self', { status: 503, body: { errors: ['Vault is sealed'] } })
    provider.invalidate(token)
    expect(await provider.getToken()).toBe(token)
    expect(vault.count('/login')).toBe(1)
  })

  it('is looked up, not replaced, when it is over by a wall clock alone that was set', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    const token = await provider.getToken()
    for (let jump = 0; jump < 3; jump++) {
      clock.step(2 * HOUR)
      provider.invalidate(token, PERMISSION_DENIED.body.errors)
      clock.step(-2 * HOUR)
      await clock.advance(MINUTE)
      expect(await provider.getToken()).toBe(token)
    }
    expect(vault.count('/login')).toBe(1)
    expect(vault.count('/lookup-self')).toBe(3)
  })

  it('is not the one in use, which a report about an older one leaves alone, by such a clock too', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    const old = await provider.getToken()
    const token = await provider.login()
    clock.step(2 * HOUR)
    provider.invalidate(old, DEAD_TOKEN_VAULT.body.errors)
    clock.step(-2 * HOUR)
    await clock.advance(SECOND)
    expect(await provider.getToken()).toBe(token)
    expect(vault.count('/login')).toBe(2)
  })

  it('is looked up again after 30 s when it is reported again', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    const token = await provider.getToken()
    for (let i = 0; i < 10; i++) {
      provider.invalidate(token)
      expect(await provider.getToken()).toBe(token)
    }
    expect(vault.count('/lookup-self')).toBe(1)
    vault.always('/lookup-self', () => PERMISSION_DENIED)
    await clock.advance(30 * SECOND)
    expect(vault.count('/lookup-self')).toBe(2)
    expect(provider.current?.token).not.toBe(token.token)
  })
})

describe('a late answer', () => {
  it('to a report does not cause a lookup of the token that came after', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    const token = await provider.getToken()
    for (let i = 0; i < 2; i++) {
      provider.invalidate(token)
      await provider.getToken()
    }
    const next = await provider.login()
    await clock.advance(MINUTE)
    expect(vault.count('/lookup-self')).toBe(1)
    provider.invalidate(next)
    await provider.getToken()
    expect(vault.count('/lookup-self')).toBe(2)
  })

  it('to a renewal does not bring back a token that Vault called dead meanwhile', async () => {
    const { vault, clock, provide } = await scene()
    let answer = () => {}
    vault.always('/renew-self', async () => {
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return undefined as never
    })
    const provider = provide()
    const token = await provider.getToken()
    const passing = clock.advance(42 * MINUTE)
    await expect.poll(() => vault.count('/renew-self')).toBe(1)
    provider.invalidate(token, DEAD_TOKEN_VAULT.body.errors)
    expect(provider.current).toBeUndefined()
    answer()
    await passing
    expect((await provider.getToken()).token).not.toBe(token.token)
    expect(provider.status()).toMatchObject({ renewals: 0, logins: 2 })
  })
})

describe('login()', () => {
  it('logs in now, and gives the new token', async () => {
    const { vault, provide } = await scene()
    const provider = provide()
    const first = await provider.getToken()
    const second = await provider.login()
    expect(second.token).not.toBe(first.token)
    expect(provider.current).toBe(second)
    expect(vault.count('/login')).toBe(2)
  })

  it('gives the token at hand when the login fails and that one is still valid', async () => {
    const { vault, provide } = await scene()
    const provider = provide()
    const first = await provider.getToken()
    vault.always('/login', () => ({ status: 503 }))
    expect(await provider.login()).toBe(first)
  })
})

describe('the options', () => {
  const good = { role: 'app', jwt: jwtSource(), env: {} }
  it.each<[string, object, typeof TypeError | typeof RangeError, RegExp]>([
    ['no role', { role: undefined }, TypeError, /'role'/],
    ['an empty role', { role: '' }, RangeError, /'role'/],
    ['no provider of JWTs', { jwt: undefined }, TypeError, /'jwt'/],
    ['a JWT instead of its provider', { jwt: jwt() }, TypeError, /'jwt'.*a string of \d+ characters/],
    ['an unknown option', { adress: 'x' }, TypeError, /no option 'adress'/],
    ['an address that is none', { address: 'vault:8200' }, RangeError, /'address'/],
    [
      'an address with a password',
      { address: 'https://a:b@vault' },
      RangeError,
      /'address' holds a user name/,
    ],
    ['an address with a query', { address: 'https://vault/?x' }, RangeError, /'address'/],
    ['a socket without a path', { address: 'unix://socket' }, RangeError, /'address'/],
    [
      'a bad address in the environment',
      { env: { VAULT_ADDR: 'nonsense' } },
      RangeError,
      /variable VAULT_ADDR/,
    ],
    [
      'a namespace in the environment that ends with a line break',
      { env: { VAULT_NAMESPACE: 'team\n' } },
      RangeError,
      /variable VAULT_NAMESPACE/,
    ],
    [
      'a client certificate without its key in the environment',
      { env: { VAULT_CLIENT_CERT: '/tls.crt' } },
      TypeError,
      /variable VAULT_CLIENT_KEY \(or BAO_CLIENT_KEY\) must go with/,
    ],
    [
      'the key of a client certificate alone in the environment',
      { env: { BAO_CLIENT_KEY: '/tls.key' } },
      TypeError,
      /variable VAULT_CLIENT_CERT \(or BAO_CLIENT_CERT\) must go with/,
    ],
    ['a bad cluster address', { clusterAddresses: ['x'] }, RangeError, /'clusterAddresses\[0\]'/],
    ['another method', { method: 'approle' }, RangeError, /'method'/],
    ['a mount that leaves auth/', { mount: '../sys' }, RangeError, /'mount'/],
    ['an empty mount', { mount: '/' }, RangeError, /'mount'/],
    ['a namespace with a line break', { namespace: 'a\nb' }, RangeError, /'namespace'/],
    ['a time limit of nothing', { requestTimeoutMs: 0 }, RangeError, /'requestTimeoutMs'/],
    ['a spread of logins below the rule for herds', { loginSpreadMs: 4_999 }, RangeError, /'loginSpreadMs'/],
    ['a spread of logins of more than a day', { loginSpreadMs: 86_400_001 }, RangeError, /'loginSpreadMs'/],
    ['a spread of logins as a text', { loginSpreadMs: '5m' }, TypeError, /'loginSpreadMs'/],
    ['a certificate without its key', { clientCert: 'pem' }, TypeError, /'clientKey'/],
  ])('are refused at once: %s', (_what, options, kind, message) => {
    const create = () => createVaultTokenProvider({ ...good, ...options } as never)
    expect(create).toThrow(kind)
    expect(create).toThrow(message)
  })
})
