import { createVaultFetch, type VaultTokenProvider } from '@projected-token/vault'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { jwt, MINUTE, type Scene, SECOND, scene } from './support.js'
import { DEAD_TOKEN_VAULT, PERMISSION_DENIED, POLICY_REFUSAL_VAULT, startVault } from './vault-stand-in.js'

const SECRET = '/v1/secret/data/app'

/** A server beside Vault, of the same kind, which knows no token. */
async function anotherServer() {
  const server = await startVault()
  server.always('', () => ({ status: 200, body: {} }))
  onTestFinished(() => server.close())
  return server
}

async function ready(options?: Parameters<Scene['provide']>[0]) {
  const all = await scene()
  const provider = all.provide(options)
  const first = await provider.getToken()
  return { ...all, provider, first, vaultFetch: createVaultFetch(provider) }
}

describe('what a request to Vault carries', () => {
  it('is the token, the namespace and X-Vault-Request', async () => {
    const { vault, provider, vaultFetch } = await ready({ namespace: 'team/app' })
    const response = await vaultFetch(`${vault.url}${SECRET}`)
    expect(await response.json()).toEqual({ data: { path: SECRET } })
    expect(vault.last(SECRET).headers).toMatchObject({
      'x-vault-token': provider.current?.token,
      'x-vault-namespace': 'team/app',
      'x-vault-request': 'true',
    })
  })

  it('goes to the address when a path alone is given', async () => {
    const { vault, vaultFetch } = await ready()
    const response = await vaultFetch(SECRET, { method: 'POST', body: '{"data":{}}' })
    expect(response.status).toBe(200)
    expect(vault.last(SECRET)).toMatchObject({ method: 'POST', body: '{"data":{}}' })
  })

  it("is the caller's own token and namespace where the caller has set them", async () => {
    const { vault, vaultFetch } = await ready({ namespace: 'team' })
    vault.script(SECRET, DEAD_TOKEN_VAULT)
    const headers = { 'X-Vault-Token': 'hvs.own-token', 'X-Vault-Namespace': 'own' }
    const response = await vaultFetch(SECRET, { headers })
    expect(response.status).toBe(403)
    expect(vault.last(SECRET).headers).toMatchObject({
      'x-vault-token': 'hvs.own-token',
      'x-vault-namespace': 'own',
    })
    expect(vault.count('/login')).toBe(1)
  })

  it('takes a Request', async () => {
    const { vault, first, vaultFetch } = await ready()
    const request = new Request(`${vault.url}${SECRET}`, { method: 'PUT', body: 'text', headers: { a: 'b' } })
    expect((await vaultFetch(request)).status).toBe(200)
    expect(vault.last(SECRET)).toMatchObject({
      method: 'PUT',
      body: 'text',
      headers: { a: 'b', 'x-vault-token': first.token },
    })
  })

  it('uses the given fetch, with a plain record of headers, in which the caller’s win', async () => {
    const { provider, first } = await ready({ namespace: 'team' })
    const given = vi.fn(async () => new Response('{}'))
    const headers = { 'X-Vault-Namespace': 'own', Accept: 'text/plain' }
    await createVaultFetch(provider, { fetch: given })(SECRET, { headers })
    const [url, init] = given.mock.calls[0] as unknown as [URL, { headers: object }]
    expect(url.pathname).toBe(SECRET)
    expect(init.headers).toEqual({
      accept: 'text/plain',
      'x-vault-namespace': 'own',
      'x-vault-request': 'true',
      'x-vault-token': first.token,
    })
  })

  it.each<[string, (init: { headers: Record<string, string> }, count: number) => object]>([
    ['spreads', (init, count) => ({ ...init, headers: { ...init.headers, [`x-trace-${count}`]: 'on' } })],
    [
      'writes into',
      (init, count) => {
        init.headers[`x-trace-${count}`] = 'on'
        return init
      },
    ],
  ])('is one’s own for each request of a given fetch, which %s its headers', async (_how, change) => {
    const { vault, provider, first } = await ready()
    let count = 0
    const given = (url: URL, init?: never) => fetch(url, change(init as never, ++count))
    const vaultFetch = createVaultFetch(provider, { fetch: given })
    vault.script(SECRET, { status: 307, headers: { location: `${vault.url}${SECRET}` } })
    for (let read = 0; read < 2; read++) expect((await vaultFetch(SECRET)).status).toBe(200)
    const sent = vault.requests.filter(({ path }) => path === SECRET).map(({ headers }) => headers)
    expect(sent.map((headers) => headers['x-vault-token'])).toEqual(Array(3).fill(first.token))
    const traces = sent.map((headers) => Object.keys(headers).filter((name) => name.startsWith('x-trace')))
    expect(traces).toEqual([['x-trace-1'], ['x-trace-2'], ['x-trace-3']])
    expect(sent.flatMap(Object.keys)).not.toContain('0')
  })

  it.each([
    ['a cause of null', new TypeError('fetch failed', { cause: null })],
    ['nothing', undefined],
    ['null', null],
    ['a text', 'no way'],
  ])('is not there when a given fetch rejects, and the caller gets that: %s', async (_what, reason) => {
    const { provider } = await ready()
    const vaultFetch = createVaultFetch(provider, { fetch: () => Promise.reject(reason) })
    const outcome = vaultFetch(SECRET).then(
      () => 'fulfilled',
      (error: unknown) => ({ error }),
    )
    expect(await outcome).toEqual({ error: reason })
  })

  it.each([null, undefined])('is a GET when the method is %s', async (method) => {
    const { vault, vaultFetch } = await ready()
    expect((await vaultFetch(SECRET, { method } as never)).status).toBe(200)
    expect(vault.last(SECRET).method).toBe('GET')
  })

  it('sends nothing without a token, and rejects with the reason', async () => {
    const { vault, provide } = await scene()
    vault.always('/login', () => ({ status: 503, body: { errors: ['Vault is sealed'] } }))
    const vaultFetch = createVaultFetch(provide({ startupTimeoutMs: 0 }))
    await expect(vaultFetch(SECRET)).rejects.toMatchObject({ code: 'ERR_VAULT_SEALED' })
    expect(vault.count(SECRET)).toBe(0)
  })

  it('refuses a provider that is not from createVaultTokenProvider', () => {
    const other = { getToken: async () => ({}), invalidate() {} } as unknown as VaultTokenProvider
    expect(() => createVaultFetch(other)).toThrow(TypeError)
  })
})

describe('where the token goes', () => {
  it('is nowhere but to Vault', async () => {
    const { vaultFetch } = await ready()
    const other = await anotherServer()
    await vaultFetch(`${other.url}${SECRET}`)
    expect(other.last(SECRET).headers).not.toHaveProperty('x-vault-token')
    expect(other.last(SECRET).headers).not.toHaveProperty('x-vault-request')
  })

  it('is not below another path than the one of the address', async () => {
    const { vault, provide } = await scene()
    const provider = provide({ address: `${vault.url}/vault/` })
    const { token } = await provider.getToken()
    expect(vault.last('/login').path).toBe('/vault/v1/auth/kubernetes/login')
    const vaultFetch = createVaultFetch(provider)
    await vaultFetch(SECRET)
    expect(vault.last(SECRET)).toMatchObject({ path: `/vault${SECRET}`, headers: { 'x-vault-token': token } })
    for (const path of ['/other/v1/x', '/vault/../v1/x', '/vaultish/v1/x', '/vault/%2e%2e/v1/x']) {
      await vaultFetch(`${vault.url}${path}`)
      expect(vault.last('/v1/x').headers).not.toHaveProperty('x-vault-token')
    }
  })

  it.each(['//evil.example/v1/x', '/\\evil.example/v1/x', '\\\\evil.example/v1/x'])(
    'is no host in a path: %s',
    async (path) => {
      const { vault, vaultFetch } = await ready()
      await expect(vaultFetch(path)).rejects.toThrow(TypeError)
      expect(vault.requests).toHaveLength(1)
    },
  )

  it('is the leader among the cluster addresses, once, with method and body', async () => {
    const leader = await anotherServer()
    const { vault, first, vaultFetch } = await ready({ clusterAddresses: [leader.url] })
    vault.script(SECRET, { status: 307, headers: { location: `${leader.url}${SECRET}` } })
    const response = await vaultFetch(SECRET, { method: 'POST', body: '{"a":1}' })
    expect(response.status).toBe(200)
    expect(leader.last(SECRET)).toMatchObject({
      method: 'POST',
      body: '{"a":1}',
      headers: { 'x-vault-token': first.token, 'x-vault-request': 'true' },
    })
  })

  it.each([
    ['leads to an address that is not configured', 'none', /not among the option 'clusterAddresses'/],
    ['is the second one', 'both', /second one/],
  ])('is nowhere when the redirect %s', async (_why, which, message) => {
    const leader = await anotherServer()
    const { vault, vaultFetch } = await ready({ clusterAddresses: which === 'both' ? [leader.url] : [] })
    const to = (url: string) => ({ status: 307, headers: { location: `${url}${SECRET}` } })
    vault.script(SECRET, to(leader.url))
    leader.always(SECRET, () => to(vault.url))
    const error = await vaultFetch(SECRET).catch((reason: Error) => reason)
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).cause).toMatchObject({ code: 'ERR_VAULT_REDIRECT' })
    expect(((error as Error).cause as Error).message).toMatch(message)
    expect(leader.requests).toHaveLength(which === 'both' ? 1 : 0)
    expect(vault.count(SECRET)).toBe(1)
  })

  it("is nowhere for the caller's own token either", async () => {
    const leader = await anotherServer()
    const { vault, vaultFetch } = await ready()
    vault.script(SECRET, { status: 307, headers: { location: `${leader.url}/steal` } })
    await expect(vaultFetch(SECRET, { headers: { 'x-vault-token': 'hvs.own' } })).rejects.toThrow(
      'fetch failed',
    )
    expect(leader.requests).toHaveLength(0)
  })

  it('is the same for the JWT of a login', async () => {
    const leader = await anotherServer()
    const { vault, provide } = await scene()
    vault.script('/login', { status: 307, headers: { location: `${leader.url}/v1/auth/kubernetes/login` } })
    const provider = provide({ startupTimeoutMs: 0 })
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_VAULT_REDIRECT' })
    expect(leader.requests).toHaveLength(0)
  })

  it('is the leader, for a login too', async () => {
    const leader = await startVault()
    onTestFinished(() => leader.close())
    const { vault, jwts, provide } = await scene()
    vault.always('', ({ path }) => ({ status: 307, headers: { location: `${leader.url}${path}` } }))
    await provide({ clusterAddresses: [leader.url] }).getToken()
    expect(JSON.parse(leader.last('/login').body)).toEqual({ role: 'app', jwt: jwts.value })
  })
})

describe('a 403', () => {
  it('rule 5: that says invalid token (Vault 1.21) causes one login for all, and one retry each', async () => {
    const { vault, vaultFetch } = await ready()
    vault.revokeAll()
    const responses = await Promise.all(Array.from({ length: 50 }, () => vaultFetch(SECRET)))
    expect(responses.map(({ status }) => status)).toEqual(Array(50).fill(200))
    expect(vault.count('/login')).toBe(2)
    expect(vault.count('/lookup-self')).toBe(0)
    expect(vault.count(SECRET)).toBe(100)
  })

  it('rule 5: is retried once, not more, when the new token is refused as well', async () => {
    const { vault, vaultFetch } = await ready()
    vault.always(SECRET, () => DEAD_TOKEN_VAULT)
    const response = await vaultFetch(SECRET)
    expect(response.status).toBe(403)
    expect(await response.json()).toEqual(DEAD_TOKEN_VAULT.body)
    expect(vault.count(SECRET)).toBe(2)
  })

  it('rule 5: is reported of the retry too: the second token is not given to the next caller', async () => {
    const { vault, provider, vaultFetch } = await ready()
    vault.script(SECRET, DEAD_TOKEN_VAULT, DEAD_TOKEN_VAULT)
    expect((await vaultFetch(SECRET)).status).toBe(403)
    expect(provider.current).toBeUndefined()
    expect(provider.status().state).toBe('expired')
  })

  it('rule 5: never becomes a storm of logins when every new token is dead at once', async () => {
    const { vault, clock, vaultFetch } = await ready()
    vault.always(SECRET, () => DEAD_TOKEN_VAULT)
    for (let second = 0; second < 120; second++) {
      await vaultFetch(SECRET).catch(() => {})
      await clock.advance(SECOND)
    }
    expect(vault.count('/login')).toBeLessThan(12)
  })

  it('rule 5: of a policy (Vault 1.21) is given to the caller after one lookup-self, at most one in 30 s', async () => {
    const { vault, clock, first, vaultFetch } = await ready()
    vault.always(SECRET, () => POLICY_REFUSAL_VAULT)
    for (let second = 0; second < 60; second++) {
      const response = await vaultFetch(SECRET)
      expect(response.status).toBe(403)
      expect(await response.json()).toEqual(POLICY_REFUSAL_VAULT.body)
      await clock.advance(SECOND)
    }
    expect(vault.count('/lookup-self')).toBeLessThanOrEqual(3)
    expect(vault.count('/login')).toBe(1)
    expect(vault.count(SECRET)).toBe(60)
    expect(vault.last(SECRET).headers['x-vault-token']).toBe(first.token)
  })

  it('rule 5: of OpenBao, which says permission denied alone of a dead token, is found out by lookup-self', async () => {
    const { vault, vaultFetch } = await ready()
    vault.revokeAll()
    const openBao = (path: string) =>
      vault.always(path, ({ headers }) =>
        vault.live.has(String(headers['x-vault-token'])) ? (undefined as never) : PERMISSION_DENIED,
      )
    openBao('/lookup-self')
    openBao(SECRET)
    const responses = await Promise.all(Array.from({ length: 20 }, () => vaultFetch(SECRET)))
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(vault.count('/lookup-self')).toBe(1)
    expect(vault.count('/login')).toBe(2)
  })

  it('rule 5: causes at most one login a minute when lookup-self is refused too: the role lacks the policy default', async () => {
    const { vault, clock, provider, vaultFetch } = await ready()
    vault.always(SECRET, () => PERMISSION_DENIED)
    vault.always('/lookup-self', () => PERMISSION_DENIED)
    await clock.advance(2 * MINUTE)
    const before = vault.count('/login')
    for (let second = 0; second < 300; second++) {
      expect((await vaultFetch(SECRET)).status).toBe(403)
      await clock.advance(SECOND)
    }
    expect(vault.count('/login') - before).toBeLessThanOrEqual(7)
    expect(provider.status().state).toBe('valid')
  })

  it('rule 5: does not use up a use of a token for a lookup', async () => {
    const { vault, provide } = await scene()
    vault.grant = { num_uses: 2 }
    const vaultFetch = createVaultFetch(provide())
    vault.script(SECRET, PERMISSION_DENIED)
    expect((await vaultFetch(SECRET)).status).toBe(200)
    expect(vault.count('/lookup-self')).toBe(0)
    expect(vault.count('/login')).toBe(2)
  })

  it('rule 5: because a token’s uses are spent is followed by another login each time, without a pause', async () => {
    const { vault, provide } = await scene()
    vault.grant = { num_uses: 3 }
    const uses = new Map<string, number>()
    vault.always(SECRET, ({ headers }) => {
      const token = String(headers['x-vault-token'])
      uses.set(token, (uses.get(token) ?? 0) + 1)
      return (uses.get(token) ?? 0) > 3 ? DEAD_TOKEN_VAULT : (undefined as never)
    })
    const vaultFetch = createVaultFetch(provide())
    for (let read = 0; read < 30; read++) expect((await vaultFetch(SECRET)).status).toBe(200)
    expect(vault.count('/login')).toBe(10)
  })

  it('about something else is the caller’s', async () => {
    const { vault, vaultFetch } = await ready()
    vault.script(SECRET, { status: 403, body: { errors: ['enterprise feature is not licensed'] } })
    expect((await vaultFetch(SECRET)).status).toBe(403)
    expect(vault.requests.map(({ path }) => path)).toEqual(['/v1/auth/kubernetes/login', SECRET])
  })

  it('is not retried when the body cannot be sent again', async () => {
    const { vault, provider, first, vaultFetch } = await ready()
    vault.revokeAll()
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('stream'))
        controller.close()
      },
    })
    const response = await vaultFetch(SECRET, { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(response.status).toBe(403)
    expect(vault.count(SECRET)).toBe(1)
    // The dead token is replaced all the same.
    expect((await provider.getToken()).token).not.toBe(first.token)
  })

  it('that comes late, for a token that was replaced, causes no login', async () => {
    const { vault, provider, first, vaultFetch } = await ready()
    vault.revokeAll()
    await vaultFetch(SECRET)
    provider.invalidate(first, DEAD_TOKEN_VAULT.body.errors)
    expect((await vaultFetch(SECRET)).status).toBe(200)
    expect(vault.count('/login')).toBe(2)
  })

  it("ends with the signal's reason when the caller gives up", async () => {
    const { vault, vaultFetch } = await ready()
    vault.revokeAll()
    vault.always('/login', () => 'hang')
    const caller = new AbortController()
    const waiting = vaultFetch(SECRET, { signal: caller.signal }).catch((error: unknown) => error)
    await expect.poll(() => vault.count('/login')).toBe(2)
    const reason = new Error('the caller has gone')
    caller.abort(reason)
    expect(await waiting).toBe(reason)
  })
})

describe('what a request has seen of Vault', () => {
  /** Chance is 0.5, the lease an hour. */
  const DELAYED = 0.5 * 180 * SECOND

  const SEALED = { status: 503, body: { errors: ['Vault is sealed'] } }

  /** A read of a Vault that lost its tokens, after what was seen before. */
  async function readAfter(
    see: (all: Awaited<ReturnType<typeof ready>>) => Promise<unknown>,
    options?: Parameters<typeof ready>[0],
  ) {
    const all = await ready(options)
    await see(all)
    all.vault.revokeAll()
    const { status } = await all.vaultFetch(SECRET)
    return { ...all, status }
  }

  it.each([
    ['a broken connection', 'reset'],
    ['sealed', SEALED],
  ] as const)(
    'rule 8: spreads the login that follows a lost token over 5 %% of the TTL: %s',
    async (_what, reply) => {
      const { vault, clock, provider, vaultFetch, status } = await readAfter(async (all) => {
        all.vault.script(SECRET, reply)
        await all.vaultFetch(SECRET).catch(() => {})
      })
      expect(status).toBe(403)
      expect(provider.status().logsInAtMs).toBe(clock.now() + DELAYED)
      await expect(vaultFetch(SECRET)).rejects.toMatchObject({ code: 'ERR_VAULT_TOKEN_EXPIRED' })
      await clock.advance(DELAYED)
      expect((await vaultFetch(SECRET)).status).toBe(200)
      expect(vault.count('/login')).toBe(2)
    },
  )

  it('rule 8: does not forget an outage by answers that Vault gives whatever the token', async () => {
    const { vault, status } = await readAfter(async (all) => {
      all.vault.script(SECRET, SEALED)
      await all.vaultFetch(SECRET)
      all.vault.script('/v1/sys/health', { status: 200, body: {} })
      expect((await all.vaultFetch('/v1/sys/health')).status).toBe(200)
    })
    expect(status).toBe(403)
    expect(vault.count('/login')).toBe(1)
  })

  it('rule 8: does not forget it by a redirect of a standby either', async () => {
    const leader = await anotherServer()
    leader.always(SECRET, () => DEAD_TOKEN_VAULT)
    const { vault, status } = await readAfter(
      async (all) => {
        all.vault.script(SECRET, SEALED, {
          status: 307,
          headers: { location: `${leader.url}${SECRET}` },
        })
        await all.vaultFetch(SECRET)
      },
      { clusterAddresses: [leader.url] },
    )
    expect(status).toBe(403)
    expect(vault.count('/login')).toBe(1)
  })

  it.each([
    ['gave up', new DOMException('The operation was aborted', 'AbortError')],
    ['set a time limit for a slow secrets engine', new DOMException('It timed out', 'TimeoutError')],
    ['gave up with an error that has a code', Object.assign(new Error('gone'), { code: 'ECONNRESET' })],
  ])('rule 5: does not delay the login when the caller %s', async (_why, reason) => {
    const { status } = await readAfter(async ({ vault, vaultFetch }) => {
      vault.script(SECRET, 'hang')
      const caller = new AbortController()
      const read = vaultFetch(SECRET, { signal: caller.signal })
      await expect.poll(() => vault.count(SECRET)).toBe(1)
      caller.abort(reason)
      await expect(read).rejects.toBe(reason)
    })
    expect(status).toBe(200)
  })

  it.each([
    ['a quota', { status: 429, body: { errors: ['rate limit quota exceeded'] } }],
    ['an error of one secrets engine', { status: 500, body: { errors: ['1 error occurred'] } }],
    ['what is behind a secrets engine', { status: 502, body: { errors: ['1 error occurred'] } }],
    ['a slow one', { status: 504, body: '<html>' }],
    ['a missing secret', { status: 404, body: { errors: [] } }],
    ['a policy', POLICY_REFUSAL_VAULT],
  ] as const)('rule 5: does not delay the login when it was %s', async (_what, reply) => {
    const { status } = await readAfter(async ({ vault, vaultFetch }) => {
      vault.script(SECRET, reply)
      await vaultFetch(SECRET)
    })
    expect(status).toBe(200)
  })

  it('rule 5: does not delay the login a minute after Vault was away', async () => {
    const { status } = await readAfter(async ({ vault, clock, vaultFetch }) => {
      vault.script(SECRET, 'reset')
      await vaultFetch(SECRET).catch(() => {})
      await clock.advance(MINUTE)
    })
    expect(status).toBe(200)
  })

  it.each([
    ['invalid token (Vault 1.21)', DEAD_TOKEN_VAULT],
    ['permission denied (OpenBao)', PERMISSION_DENIED],
  ])('rule 5: never delays the login that follows a used up token: %s', async (_what, refusal) => {
    const { vault, provide } = await scene()
    vault.grant = { num_uses: 2, lease_duration: 86_400 }
    const vaultFetch = createVaultFetch(provide())
    vault.script(SECRET, SEALED, refusal)
    expect((await vaultFetch(SECRET)).status).toBe(503)
    expect((await vaultFetch(SECRET)).status).toBe(200)
    expect(vault.count('/login')).toBe(2)
  })

  it('rule 6: another JWT is found within 5 s, however often Vault is seen to be away and back', async () => {
    const { vault, clock, jwts, provider, vaultFetch } = await ready()
    vault.always('/login', () => ({ status: 403, body: { errors: ['token is expired'] } }))
    await provider.login()
    await clock.advance(SECOND)
    expect(provider.status()).toMatchObject({ state: 'valid', waitsForJwt: true, logins: 1 })
    vault.always('/login', undefined)
    jwts.value = jwt({ jti: 'rotated' })
    for (let second = 0; second < 6; second++) {
      vault.script(SECRET, SEALED)
      for (const status of [503, 200]) expect((await vaultFetch(SECRET)).status).toBe(status)
      await clock.advance(SECOND)
    }
    expect(provider.status()).toMatchObject({ waitsForJwt: false, logins: 2 })
  })

  it.each([
    ['invalid token (Vault 1.21)', DEAD_TOKEN_VAULT],
    ['permission denied (OpenBao)', PERMISSION_DENIED],
  ])(
    'rule 5: makes a login due that waits for Vault, by a read that hung past the lease: %s',
    async (_what, refusal) => {
      const { vault, clock, provide } = await scene()
      vault.grant = { lease_duration: 60 }
      const provider = provide()
      await provider.getToken()
      const vaultFetch = createVaultFetch(provider)
      let goOn = () => {}
      const stopped = new Promise<void>((resolve) => {
        goOn = resolve
      })
      vault.always(SECRET, async ({ headers }) => {
        if (headers['x-vault-token'] !== vault.issued[0]) return undefined as never
        await stopped
        return refusal
      })
      const reads = Promise.all(Array.from({ length: 20 }, () => vaultFetch(SECRET)))
      await expect.poll(() => vault.count(SECRET)).toBe(20)
      for (const path of ['/renew-self', '/login']) vault.always(path, () => 'reset')
      for (let second = 0; second < 90; second++) await clock.advance(SECOND)
      expect(provider.status()).toMatchObject({ state: 'expired', activity: 'idle' })
      vault.always('/login', undefined)
      const logins = vault.count('/login')
      goOn()
      expect((await reads).map(({ status }) => status)).toEqual(Array(20).fill(200))
      expect(vault.count('/login')).toBe(logins + 1)
      expect(vault.count('/lookup-self')).toBe(0)
    },
  )
})
