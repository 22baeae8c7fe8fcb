import { describe, expect, it } from 'vitest'
import { HOUR, MINUTE, SECOND, scene } from './support.js'
import { DEAD_TOKEN_VAULT, PERMISSION_DENIED, type Reply } from './vault-stand-in.js'

const errors = (status: number, text: string, headers?: Record<string, string>): Reply => ({
  status,
  body: { errors: [text] },
  ...(headers ? { headers } : {}),
})
/** Of the plugins of both mounts: the role was deleted. */
const ROLE_IS_GONE = errors(500, '1 error occurred:\n\t* role app does not exist during renewal\n\n')

describe('a renewal that fails', () => {
  it.each([
    ['no connection', 'reset' as Reply],
    ['412', errors(412, 'required index state not present')],
    ['429', errors(429, 'request path "auth/token/renew-self": rate limit quota exceeded')],
    ['502 of a proxy', { status: 502, body: '<html>Bad Gateway</html>' }],
    ['503', errors(503, 'Vault is sealed')],
  ])(
    'rule 3: is tried again with full-jitter backoff after %s, and the token stays in use',
    async (_what, reply) => {
      const { vault, clock, events, provide } = await scene()
      const provider = provide()
      const token = await provider.getToken()
      vault.script('/renew-self', reply, reply, reply, reply)
      await clock.advance(42 * MINUTE)
      expect(vault.count('/renew-self')).toBe(1)
      expect(provider.status().renewsAtMs).toBe(clock.now() + 500)
      for (const halfOfTheWindow of [500, 1_000, 2_000, 4_000]) {
        expect(provider.current).toBe(token)
        const before = vault.count('/renew-self')
        await clock.advance(halfOfTheWindow - 1)
        expect(vault.count('/renew-self')).toBe(before)
        await clock.advance(1)
        expect(vault.count('/renew-self')).toBe(before + 1)
      }
      expect(provider.status()).toMatchObject({
        state: 'valid',
        renewals: 1,
        logins: 1,
        lastFailure: { during: 'renewal', count: 4, ongoing: false },
      })
      const told = events.map(([name]) => name)
      expect(told.filter((name) => name === 'failed')).toHaveLength(1)
      expect(told.filter((name) => name === 'recovered')).toHaveLength(1)
      expect(told).not.toContain('expired')
    },
  )

  it('rule 3: waits as long as Retry-After says', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    await provider.getToken()
    vault.script('/renew-self', errors(429, 'rate limit quota exceeded', { 'retry-after': '30' }))
    await clock.advance(42 * MINUTE)
    expect(provider.status().renewsAtMs).toBe(clock.now() + 30 * SECOND + 500)
  })

  it('rule 3: gives way to a login when 10 % of the TTL remain, while the token is still good', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    const old = await provider.getToken()
    vault.always('/renew-self', () => errors(503, 'Vault is sealed'))
    await clock.advance(53 * MINUTE)
    expect(vault.count('/login')).toBe(1)
    expect(provider.current).toBe(old)
    await clock.advance(6 * MINUTE)
    expect(vault.count('/login')).toBe(2)
    expect(provider.current?.token).not.toBe(old.token)
    expect(provider.status().state).toBe('valid')
  })

  it('rule 3: goes on until the token ends when that login fails as well: a Vault that is back before renews it', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    const token = await provider.getToken()
    for (const path of ['/login', '/renew-self']) vault.always(path, () => 'reset')
    await clock.advance(58 * MINUTE)
    expect(vault.count('/login')).toBe(2)
    for (const path of ['/login', '/renew-self']) vault.always(path, undefined)
    await clock.advance(MINUTE)
    expect(provider.status()).toMatchObject({ state: 'valid', logins: 1, renewals: 1 })
    expect(provider.current?.token).toBe(token.token)
    await clock.advance(42 * MINUTE)
    expect(provider.status()).toMatchObject({ state: 'valid', logins: 1, renewals: 2 })
  })

  it.each([
    ['there is no JWT', 'jwt'],
    ['the API server cannot review it', 'denied'],
  ])('rule 3: goes on also when that login fails because %s', async (_what, why) => {
    const { vault, clock, jwts, provide } = await scene()
    const provider = provide()
    const token = await provider.getToken()
    vault.always('/renew-self', () => 'reset')
    vault.always('/login', () => PERMISSION_DENIED)
    if (why === 'jwt') jwts.error = new Error('no such file')
    await clock.advance(57 * MINUTE)
    vault.always('/renew-self', undefined)
    await clock.advance(MINUTE)
    expect(provider.status()).toMatchObject({ state: 'valid', logins: 1, renewals: 1 })
    expect(provider.current?.token).toBe(token.token)
  })

  it('rule 3: gives way to a login again where it alone is in vain, though the first one met a broken connection', async () => {
    const { vault, clock, events, provide } = await scene()
    const provider = provide()
    await provider.getToken()
    vault.always('/renew-self', () => ({ status: 502, body: '<html>Bad Gateway</html>' }))
    vault.script('/login', 'reset')
    await clock.advance(60 * MINUTE)
    expect(provider.status()).toMatchObject({ state: 'valid', logins: 2 })
    expect(events.map(([name]) => name)).not.toContain('expired')
  })

  it('rule 3: has no more time than a login leaves it, however late it begins', async () => {
    const { vault, clock, events, provide } = await scene()
    vault.grant = { lease_duration: 60 }
    const provider = provide()
    await provider.getToken()
    vault.always('/renew-self', () => 'hang')
    // Stopped, and woken in the last 10 %.
    clock.suspend(55 * SECOND, { monotonic: true })
    await clock.advance(4 * SECOND)
    expect(events.map(([name]) => name)).not.toContain('expired')
    expect(vault.count('/login')).toBe(2)
  })

  it('rule 8: is not hurried by callers when a machine wakes from suspension, and Vault is away', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    await provider.getToken()
    for (const path of ['/login', '/renew-self']) vault.always(path, () => 'reset')
    clock.suspend(2 * HOUR)
    for (let call = 0; call < 200; call++) {
      await provider.getToken().catch(() => {})
      await clock.advance(5)
    }
    expect(vault.requests.length).toBeLessThanOrEqual(4)
  })

  it('a login by hand that fails is tried again as a login', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    await provider.getToken()
    vault.script('/login', 'reset')
    await provider.login().catch(() => {})
    await clock.advance(2 * SECOND)
    expect(provider.status()).toMatchObject({ logins: 2, renewals: 0 })
  })

  it('rule 4: is not tried again where Vault has refused it, also when the login after it meets an outage', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    const old = await provider.getToken()
    vault.script('/renew-self', PERMISSION_DENIED)
    vault.script('/login', 'reset', 'reset', 'reset')
    await clock.advance(43 * MINUTE)
    expect(vault.count('/renew-self')).toBe(1)
    await clock.advance(10 * MINUTE)
    expect(vault.count('/renew-self')).toBe(1)
    expect(provider.status()).toMatchObject({ state: 'valid', logins: 2 })
    expect(provider.current?.token).not.toBe(old.token)
  })

  it('rule 3: gives way to one login after the other once the token has ended in the outage', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    await provider.getToken()
    for (const path of ['/login', '/renew-self']) vault.always(path, () => 'reset')
    await clock.advance(61 * MINUTE)
    const renewals = vault.count('/renew-self')
    await clock.advance(30 * MINUTE)
    expect(vault.count('/renew-self')).toBe(renewals)
    for (const path of ['/login', '/renew-self']) vault.always(path, undefined)
    await clock.advance(3 * MINUTE)
    expect(provider.status()).toMatchObject({ state: 'valid', logins: 2 })
  })

  it('rule 3: gives way to a login in time when a short lease is renewed by a Vault that hangs', async () => {
    const { vault, clock, events, provide } = await scene()
    vault.grant = { lease_duration: 30 }
    const provider = provide()
    await provider.getToken()
    vault.always('/renew-self', () => 'hang')
    for (let second = 0; second < 29; second++) {
      await clock.advance(SECOND)
      expect(provider.current).toBeDefined()
    }
    expect(vault.count('/login')).toBe(2)
    expect(events.map(([name]) => name)).not.toContain('expired')
  })

  it.each([
    ['400', errors(400, 'lease not found or lease is not renewable')],
    ['403', errors(403, 'permission denied')],
  ])('rule 4: gives way to a login at once after a %s', async (_what, reply) => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    await provider.getToken()
    vault.script('/renew-self', reply)
    await clock.advance(42 * MINUTE)
    expect(vault.count('/renew-self')).toBe(1)
    expect(vault.count('/login')).toBe(2)
  })

  it('rule 4: logs in at once when Vault 1.21 says by a 500 that the maximum TTL is reached, and the token stays in use', async () => {
    const { vault, clock, events, provide } = await scene()
    const provider = provide()
    const old = await provider.getToken()
    vault.script('/renew-self', errors(500, '1 error occurred:\n\t* past the max TTL, cannot renew\n\n'))
    await clock.advance(42 * MINUTE)
    expect(vault.count('/renew-self')).toBe(1)
    expect(vault.count('/login')).toBe(2)
    expect(provider.current?.token).not.toBe(old.token)
    expect(events.map(([name]) => name)).not.toContain('expired')
  })

  it('rule 4: logs in before the end of a second when a renewal gives no time at all', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    await provider.getToken()
    vault.grant = { lease_duration: 0 }
    await clock.advance(42 * MINUTE)
    expect(vault.count('/renew-self')).toBe(1)
    vault.grant = {}
    await clock.advance(SECOND)
    expect(vault.count('/login')).toBe(2)
    expect(provider.status()).toMatchObject({ state: 'valid', warnings: [] })
  })

  it('rule 4: ends the token when Vault 1.21 says that it is dead, and keeps it when a policy may have refused', async () => {
    for (const [reply, isKept] of [
      [DEAD_TOKEN_VAULT, false],
      [PERMISSION_DENIED, true],
    ] as const) {
      const { vault, clock, provide } = await scene()
      const provider = provide()
      const token = await provider.getToken()
      vault.script('/renew-self', reply)
      vault.always('/login', () => errors(503, 'Vault is sealed'))
      await clock.advance(42 * MINUTE)
      expect(provider.current).toBe(isKept ? token : undefined)
    }
  })

  it('rule 4: gives way to a login after the same 500 body three times: the role was deleted', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    await provider.getToken()
    vault.always('/renew-self', () => ROLE_IS_GONE)
    vault.always('/login', () => errors(400, 'invalid role name "app"'))
    await clock.advance(43 * MINUTE)
    expect(vault.count('/renew-self')).toBe(3)
    // The token is good for another 17 minutes, and the login was refused three times.
    expect(vault.count('/login')).toBe(4)
    expect(provider.status()).toMatchObject({ state: 'valid', lastFailure: { class: 'role' } })
    await clock.advance(HOUR)
    expect(provider.status().state).toBe('failed')
    expect(vault.count('/login')).toBe(4)
  })

  it('rule 4: takes neither different 500s nor any number of 503s and 429s for a verdict', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide()
    await provider.getToken()
    let serial = 0
    vault.always(
      '/renew-self',
      () =>
        [
          errors(503, 'Vault is sealed'),
          errors(429, 'rate limit quota exceeded'),
          errors(500, `internal error ${serial++}`),
        ][vault.count('/renew-self') % 3] as Reply,
    )
    await clock.advance(50 * MINUTE)
    expect(vault.count('/renew-self')).toBeGreaterThan(10)
    expect(vault.count('/login')).toBe(1)
  })

  it('rule 8: spreads the logins that follow an outage over 5 % of the TTL', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide({ random: () => 0.9 })
    await provider.getToken()
    // Vault is away, and comes back without its tokens.
    vault.script('/renew-self', errors(503, 'Vault is sealed'))
    await clock.advance(2_616 * SECOND)
    expect(vault.count('/renew-self')).toBe(1)
    vault.revokeAll()
    await clock.advance(2 * SECOND)
    expect(vault.count('/renew-self')).toBe(2)
    expect(vault.count('/login')).toBe(1)
    expect(provider.status().logsInAtMs).toBeGreaterThan(clock.now() + 155 * SECOND)
    await clock.advance(3 * MINUTE)
    expect(vault.count('/login')).toBe(2)
  })

  it('rule 8: spreads them over loginSpreadMs where an operator has set that', async () => {
    const { vault, clock, provide } = await scene()
    const provider = provide({ loginSpreadMs: 35 * MINUTE })
    const { token } = await provider.getToken()
    vault.script('/renew-self', errors(503, 'Vault is sealed'))
    await clock.advance(42 * MINUTE)
    vault.revokeAll()
    await clock.advance(500)
    expect(vault.count('/renew-self')).toBe(2)
    expect(provider.status().logsInAtMs).toBe(clock.now() + 17.5 * MINUTE)
    await clock.advance(17.5 * MINUTE)
    expect(vault.count('/login')).toBe(2)
    expect(provider.current?.token).not.toBe(token)
  })

  it('rule 8: does not make a pod that starts in an outage wait for longer than twice as long as that has lasted', async () => {
    const { vault, clock, provide } = await scene()
    vault.always('/login', () => 'reset')
    const provider = provide({ loginSpreadMs: 35 * MINUTE, random: () => 0.999_999, startupTimeoutMs: 0 })
    const startedAtMs = clock.now()
    for (let second = 0; second < 120; second++) {
      await clock.advance(SECOND)
      const awayForMs = clock.now() - startedAtMs
      const waitMs = (provider.status().logsInAtMs ?? clock.now()) - clock.now()
      // 60 s is the ceiling of the backoff.
      expect(waitMs).toBeLessThanOrEqual(Math.max(5 * SECOND, 2 * awayForMs, 60 * SECOND))
    }
    vault.always('/login', undefined)
    await clock.advance(4 * MINUTE)
    expect(provider.status().state).toBe('valid')
  })
})
