import { describe, expect, it, vi } from 'vitest'
import { HOUR, jwt, MINUTE, SECOND, scene } from './support.js'

describe('the life of a lease', () => {
  it('rule 1: takes the token as expired one TTL after the login was sent, however slow the answer was', async () => {
    const { vault, clock, provide } = await scene()
    vault.grant = { lease_duration: 60 }
    let answer = () => {}
    const waits = new Promise<void>((resolve) => {
      answer = resolve
    })
    const sentAtMs = clock.now()
    vault.always('/login', async () => {
      await waits
      return undefined as never
    })
    const provider = provide()
    await expect.poll(() => vault.count('/login')).toBe(1)
    await clock.advance(9 * SECOND)
    answer()
    const token = await provider.getToken()
    expect(token.expiresAtMs).toBe(sentAtMs + 60 * SECOND)
    expect(token.loadedAtMs).toBe(sentAtMs + 9 * SECOND)
  })

  it('rule 1: is not fooled by a wall clock that is set back: the monotonic one counts', async () => {
    const { vault, clock, provide } = await scene()
    vault.grant = { lease_duration: 60 }
    const provider = provide()
    await provider.getToken()
    vault.always('', () => ({ status: 503 }))
    clock.step(-HOUR)
    await clock.advance(61 * SECOND)
    expect(provider.current).toBeUndefined()
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_VAULT_UNAVAILABLE' })
  })

  it('rule 1: gives no token that expired while the machine slept, but logs in', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    const before = await provider.getToken()
    clock.suspend(2 * HOUR)
    expect(provider.current).toBeUndefined()
    const after = await provider.getToken()
    expect(after.token).not.toBe(before.token)
    expect(vault.count('/login')).toBe(2)
  })

  it('rule 2: does not renew at the start, whoever asks for the token in whatever moment', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    const asked: Array<Promise<unknown>> = []
    for (const event of ['login', 'state'] as const) provider.on(event, () => asked.push(provider.getToken()))
    await provider.getToken()
    asked.push(provider.getToken())
    await Promise.resolve()
    asked.push(provider.getToken())
    const tokens = await Promise.all(asked)
    await clock.advance(SECOND)
    expect(new Set(tokens)).toEqual(new Set([provider.current]))
    expect(asked.length).toBeGreaterThan(3)
    expect(vault.requests).toHaveLength(1)
  })

  it('rule 2: renews after a sleep that the monotonic clock slept through too, as soon as somebody asks', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    const token = await provider.getToken()
    clock.suspend(50 * MINUTE)
    expect(await provider.getToken()).toBe(token)
    await expect.poll(() => provider.status().renewals).toBe(1)
    expect(vault.count('/renew-self')).toBe(1)
    expect(provider.current?.expiresAtMs).toBe(clock.now() + HOUR)
  })

  it('rule 2: renews at 2/3 of the TTL and up to 1/15 later, and so on; never at the start', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide({ random: () => 0 })
    await provider.getToken()
    await clock.advance(40 * MINUTE - 1)
    expect(vault.count('/renew-self')).toBe(0)
    await clock.advance(1)
    expect(vault.count('/renew-self')).toBe(1)
    await clock.advance(40 * MINUTE)
    expect(vault.count('/renew-self')).toBe(2)
    expect(vault.count('/login')).toBe(1)
    expect(provider.status()).toMatchObject({ state: 'valid', renewals: 2, logins: 1 })
  })

  it('rule 2: renews a lease of 768 h once in 21 days: a timer is never longer than Node has it', async () => {
    const { vault, clock, provide } = await scene()
    vault.grant = { lease_duration: 768 * 3600 }
    const provider = provide()
    await provider.getToken()
    await clock.advance(21 * 24 * HOUR)
    expect(vault.count('/renew-self')).toBe(0)
    await clock.advance(3 * 24 * HOUR)
    expect(vault.count('/renew-self')).toBe(1)
  })

  it('gives the same secret with its new expiry after a renewal', async () => {
    const { clock, events, provide } = await scene()
    const provider = provide()
    const before = await provider.getToken()
    await clock.advance(45 * MINUTE)
    const after = await provider.getToken()
    expect(after.token).toBe(before.token)
    expect(after.expiresAtMs).toBeGreaterThan(before.expiresAtMs as number)
    expect(before.expiresAtMs).toBe(after.loadedAtMs + HOUR)
    expect(events.map(([name]) => name)).toEqual(['login', 'state', 'renewed'])
  })

  it.each([
    ['is not renewable', { renewable: false }],
    ['is a batch token', { token_type: 'batch' }],
    ['has a number of uses', { num_uses: 10 }],
  ])('rule 4: logs in at 70 to 73 % instead of renewing a token that %s', async (_why, grant) => {
    const { vault, clock, provide } = await scene()
    vault.grant = grant
    const provider = provide({ random: () => 0 })
    await provider.getToken()
    expect(provider.status()).toMatchObject({
      renewsAtMs: undefined,
      logsInAtMs: clock.now() + 42 * MINUTE,
    })
    await clock.advance(42 * MINUTE)
    expect(vault.count('/login')).toBe(2)
    expect(vault.count('/renew-self')).toBe(0)
  })

  it('rule 4: logs in when a renewal granted less than half: the maximum TTL is near', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide({ random: () => 0 })
    await provider.getToken()
    vault.grant = { lease_duration: 1_200 }
    await clock.advance(40 * MINUTE)
    expect(provider.status().logsInAtMs).toBe(clock.now() + 14 * MINUTE)
    vault.grant = {}
    await clock.advance(14 * MINUTE)
    expect(vault.count('/login')).toBe(2)
    expect(provider.status()).toMatchObject({ state: 'valid', renewals: 1, logins: 2 })
  })

  it('rule 9: gives a lease of 0 s one second, warns, and does not loop', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { vault, clock, provide } = await scene()
    vault.grant = { lease_duration: 0 }
    const provider = provide()
    const first = await provider.getToken()
    expect(first.expiresAtMs).toBe(clock.now() + SECOND)
    expect(provider.status().warnings).toEqual(['ZERO_LEASE'])
    expect(warned.mock.calls.flat()).toContainEqual({ code: 'PROJECTED_TOKEN_VAULT_ZERO_LEASE' })
    await clock.advance(HOUR)
    expect(vault.requests).toHaveLength(1)
    const second = await provider.getToken()
    expect(second.token).not.toBe(first.token)
    expect(vault.requests).toHaveLength(2)
    warned.mockRestore()
  })

  it('rule 9: never renews a root token', async () => {
    const { vault, clock, provide } = await scene()
    vault.grant = { lease_duration: 0, policies: ['root'], token_policies: ['root'], renewable: false }
    const provider = provide()
    expect((await provider.getToken()).expiresAtMs).toBeUndefined()
    await clock.advance(1_000 * HOUR)
    expect(vault.requests).toHaveLength(1)
    expect(provider.status()).toMatchObject({ state: 'valid', warnings: ['ROOT_TOKEN'] })
  })

  it('rule 7: does not log in because the JWT was rotated', async () => {
    const { vault, clock, jwts, provide } = await scene()
    const provider = provide()
    await provider.getToken()
    for (let i = 0; i < 5; i++) {
      jwts.value = jwt({ jti: `rotated ${i}` })
      await clock.advance(HOUR)
    }
    expect(vault.count('/login')).toBe(1)
    expect(provider.status().renewals).toBeGreaterThan(5)
  })

  it.each([
    ['pod', { 'kubernetes.io': { pod: { name: 'app-1', uid: 'another' } } }],
    ['audience', { aud: ['another'] }],
    ['service account', { sub: 'system:serviceaccount:apps:another' }],
  ])('rule 7: logs in when the %s of the JWT has changed', async (_what, claims) => {
    const { vault, clock, jwts, provide } = await scene()
    const provider = provide()
    await provider.getToken()
    jwts.value = jwt(claims)
    await clock.advance(45 * MINUTE)
    expect(vault.count('/login')).toBe(2)
    expect(vault.count('/renew-self')).toBe(0)
  })

  it('rule 10: asks for the JWT at each login, trims it, and leaves it where it is', async () => {
    const { vault, clock, jwts, provide } = await scene()
    vault.grant = { renewable: false }
    const value = jwts.value
    const untrimmed = {
      ...jwts,
      getToken: async () => ({ token: `${jwts.value}\n`, expiresAtMs: undefined, loadedAtMs: 0 }),
    }
    const provider = provide({ jwt: untrimmed })
    await provider.getToken()
    expect(JSON.parse(vault.last('/login').body)).toEqual({ role: 'app', jwt: value })
    jwts.value = jwt({ jti: 'second' })
    await clock.advance(HOUR)
    expect(JSON.parse(vault.last('/login').body)).toEqual({ role: 'app', jwt: jwts.value })
  })
})
