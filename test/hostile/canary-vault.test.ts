import { createToken, type TokenProvider } from '@projected-token/core'
import {
  createVaultFetch,
  createVaultTokenProvider,
  readVaultEnvironment,
  type VaultTokenProvider,
  withoutVaultToken,
} from '@projected-token/vault'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeJwt, makeOpaque, makeVaultToken } from './canary/canaries.js'
import { createCollector } from './canary/collector.js'
import { type Answering, quotes, quotesInPage, quotesRaw, startVaultServer } from './canary/vault-server.js'

const EVENTS = ['login', 'renewed', 'failed', 'recovered', 'jwtRefused', 'expired', 'state']

async function setUp(jwt = makeJwt()) {
  const seen = createCollector()
  const held = createToken({ token: seen.hide('the JWT', jwt), loadedAtMs: 0 })
  const source: TokenProvider = { current: held, getToken: async () => held, invalidate: () => {} }
  const vault = await startVaultServer(seen.hide)
  const provide = (): VaultTokenProvider => {
    const provider = createVaultTokenProvider({
      address: vault.address,
      role: 'app',
      jwt: source,
      env: {},
      startupTimeoutMs: 0,
    })
    onTestFinished(() => provider.close())
    seen.events('an event', provider, EVENTS)
    return provider
  }
  return { seen, vault, provide }
}

const answers: [string, Answering][] = [
  ...[400, 403, 404, 429, 500, 502, 503].map((status): [string, Answering] => [
    `${status} that quotes everything`,
    quotes(status),
  ]),
  ['200 that holds no token', quotes(200)],
  ['a page', quotesInPage(403)],
  ['a page with 200', quotesInPage(200)],
  ['no HTTP at all', quotesRaw],
  [
    'a redirect that quotes',
    ({ body }, response) => {
      response.writeHead(307, { location: `https://a.example/?${encodeURIComponent(body)}` }).end()
    },
  ],
  [
    'half an answer',
    ({ body }, response) => {
      response.writeHead(200, { 'content-length': 100_000 }).write(body, () => response.socket?.destroy())
    },
  ],
]

describe('the Vault provider shows neither JWT nor token', () => {
  it.each(answers)('when a login is answered with %s', async (_what, answer) => {
    const { seen, vault, provide } = await setUp()
    vault.answer = answer
    const provider = provide()
    await new Promise((resolve) => provider.once('failed', resolve))
    await seen.rejection('an error', provider.getToken())
    await seen.rejection('an error of a login', provider.login())
    seen.value('the status', provider.status())
    seen.value('a provider', provider)
    expect(seen.names()).toContain('an event: failed')
    expect(seen.judge()).toBeGreaterThan(4)
  })

  it.each(answers)('when everything after a login is answered with %s', async (_what, answer) => {
    const { seen, vault, provide } = await setUp()
    const provider = provide()
    const send = createVaultFetch(provider)
    const token = await provider.getToken().catch(() => provider.login())
    vault.answer = answer
    await provider.login().catch((error: unknown) => seen.value('an error of a login', error))
    provider.invalidate(token, ['permission denied'])
    provider.invalidate(token, ['invalid token'])
    await new Promise<void>((resolve) => {
      const look = () => (provider.status().activity === 'idle' ? resolve() : setImmediate(look))
      look()
    })
    // What Vault answers to a request belongs to whoever asked; what is thrown must not hold what was sent.
    await send('/v1/secret/data/app').then(
      (response) => response.body?.cancel(),
      (error: Error) =>
        seen.text('a message of fetch', `${error.message} ${(error.cause as Error | undefined)?.message}`),
    )
    for (const [what, value] of [
      ['a token', token],
      ['a fetch', send],
      ['a provider', provider],
      ['the status', provider.status()],
    ] as const) {
      seen.value(what, value)
    }
    expect(seen.names()).toContain('an event: login')
    expect(seen.judge()).toBeGreaterThan(6)
  })

  it('when all is well, and at its end', async () => {
    const { seen, provide } = await setUp()
    const provider = provide()
    await provider.login()
    await provider.login()
    seen.value('the status', provider.status())
    await provider.close()
    await seen.rejection('an error after the end', provider.getToken())
    seen.value('the status after the end', provider.status())
    expect(seen.names()).toEqual(expect.arrayContaining(['an event: login', 'an event: state']))
    expect(seen.judge()).toBeGreaterThan(4)
  })

  it('when the JWT itself is what cannot be had', async () => {
    const { seen, vault } = await setUp()
    const opaque = seen.hide('what somebody threw', makeOpaque())
    const jwt = seen.hide('what somebody threw', makeJwt())
    const failing: TokenProvider = {
      current: undefined,
      getToken: async () => {
        throw new Error(`no: ${jwt}`)
      },
      invalidate: () => {},
    }
    const provider = createVaultTokenProvider({
      address: vault.address,
      role: 'app',
      jwt: failing,
      env: {},
      startupTimeoutMs: 0,
    })
    onTestFinished(() => provider.close())
    await new Promise((resolve) => provider.once('failed', resolve))
    // The cause is the error of somebody else, kept as it is; what this package says of it is not to hold what it holds.
    const error = await provider.getToken().catch((reason: Error) => reason)
    seen.text('a message', (error as Error).message)
    seen.value('the status', provider.status())
    expect(opaque).not.toBe(jwt)
    expect(seen.judge()).toBe(2)
  })

  it('in errors of options and environment', async () => {
    const { seen, vault } = await setUp()
    const secret = seen.hide('what was given', makeVaultToken())
    const jwt = { getToken: async () => createToken({ token: 'x', loadedAtMs: 0 }), invalidate: () => {} }
    const options = { address: vault.address, role: 'app', jwt, env: {} }
    const wrong = [
      { ...options, address: `http://user:${secret}@vault.example` },
      { ...options, address: `https://vault.example/?${secret}` },
      { ...options, method: secret },
      { ...options, requestTimeoutMs: secret },
    ]
    for (const one of wrong)
      seen.thrown('an error of an option', () => createVaultTokenProvider(one as never))
    const env = { VAULT_TOKEN: secret, VAULT_ADDR: vault.address, VAULT_CLIENT_TIMEOUT: '1' }
    seen.value('what is read of the environment', readVaultEnvironment(env))
    seen.value('an environment without the token', withoutVaultToken(env))
    expect(seen.judge()).toBe(6)
  })
})
