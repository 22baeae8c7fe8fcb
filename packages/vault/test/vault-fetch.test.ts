import { createVaultFetch, type VaultTokenProvider } from '@projected-token/vault'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { MINUTE, type Scene, SECOND, scene } from './support.js'
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

  it('uses the given fetch', async () => {
    const { provider, first } = await ready()
    const given = vi.fn(async () => new Response('{}'))
    await createVaultFetch(provider, { fetch: given })(SECRET)
    const [url, init] = given.mock.calls[0] as unknown as [URL, { headers: string[][] }]
    expect(url.pathname).toBe(SECRET)
    expect(Object.fromEntries(new Headers(init.headers))).toMatchObject({ 'x-vault-token': first.token })
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
    await vi.waitFor(() => expect(vault.count('/login')).toBe(2))
    const reason = new Error('the caller has gone')
    caller.abort(reason)
    expect(await waiting).toBe(reason)
  })
})

describe('what a request has seen of Vault', () => {
  /** Chance is 0.5, the lease an hour. */
  const DELAYED = 0.5 * 180 * SECOND

  /** A read of a Vault that lost its tokens, after what was seen before. */
  async function readAfter(see: (all: Awaited<ReturnType<typeof ready>>) => Promise<unknown>) {
    const all = await ready()
    await see(all)
    all.vault.revokeAll()
    const { status } = await all.vaultFetch(SECRET)
    return { ...all, status }
  }

  it.each([
    ['a broken connection', 'reset'],
    ['sealed', { status: 503, body: { errors: ['Vault is sealed'] } }],
    ['a rate limit', { status: 429, body: { errors: ['rate limit quota exceeded'] } }],
    ["a proxy's", { status: 502, body: '<html>' }],
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

  it("rule 8: counts the caller's time limit, which is how an outage by silence shows", async () => {
    const { status } = await readAfter(async ({ vault, vaultFetch }) => {
      vault.script(SECRET, 'hang')
      const caller = new AbortController()
      const read = vaultFetch(SECRET, { signal: caller.signal })
      await vi.waitFor(() => expect(vault.count(SECRET)).toBe(1))
      caller.abort(new DOMException('The operation timed out', 'TimeoutError'))
      await expect(read).rejects.toMatchObject({ name: 'TimeoutError' })
    })
    expect(status).toBe(403)
  })

  it('rule 5: does not delay the login when the caller gave up', async () => {
    const { status } = await readAfter(async ({ vault, vaultFetch }) => {
      vault.script(SECRET, 'hang')
      const caller = new AbortController()
      const read = vaultFetch(SECRET, { signal: caller.signal })
      await vi.waitFor(() => expect(vault.count(SECRET)).toBe(1))
      caller.abort()
      await expect(read).rejects.toMatchObject({ name: 'AbortError' })
    })
    expect(status).toBe(200)
  })

  it.each([
    ['an error of one secrets engine', { status: 500, body: { errors: ['1 error occurred'] } }],
    ['a missing secret', { status: 404, body: { errors: [] } }],
    ['a policy', POLICY_REFUSAL_VAULT],
  ] as const)('rule 5: does not delay the login when it was %s', async (_what, reply) => {
    const { status } = await readAfter(async ({ vault, vaultFetch }) => {
      vault.script(SECRET, reply)
      await vaultFetch(SECRET)
    })
    expect(status).toBe(200)
  })

  it('rule 5: does not delay the login when Vault has answered since', async () => {
    const { status } = await readAfter(async ({ vault, vaultFetch }) => {
      vault.script(SECRET, 'reset')
      await vaultFetch(SECRET).catch(() => {})
      await vaultFetch(SECRET)
    })
    expect(status).toBe(200)
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
      await vi.waitFor(() => expect(vault.count(SECRET)).toBe(20))
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
