import { createToken, type TokenProvider } from '@projected-token/core'
import { createVaultFetch, createVaultTokenProvider, VaultError } from '@projected-token/vault'
import * as fc from 'fast-check'
import { CANARY, goodToken } from './arbitraries.js'
import { answerWith, fieldText, status } from './http-arbitraries.js'
import { ensureDiscreet } from './oracles.js'
import { field, OK, type RawAnswer, type RawRequest, startRawServer } from './raw-server.js'
import { defineTarget, ensure } from './target.js'

/** What a login gives when it gives a token: a service token whose secret is the canary's. */
const GOOD_TOKEN = `hvs.${CANARY}`
/** Of the token's header, what reaches the server. */
const VISIBLE = /^[\x21-\x7e]+$/
/** Redirects that an answer wishes for; the second server must not hear of any. */
const ELSEWHERE = '\u0001elsewhere'

interface Case {
  readonly login: RawAnswer
  readonly data: readonly RawAnswer[]
  readonly later: RawAnswer
  readonly revokeOnClose: boolean
  readonly method: 'kubernetes' | 'jwt'
}

const clientToken = fc.oneof(
  { weight: 6, arbitrary: fc.constant<unknown>(GOOD_TOKEN) },
  { weight: 2, arbitrary: fieldText.map((text) => `hvs.${text}`) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
  { weight: 1, arbitrary: fc.nat(100_000).map((length) => 'a'.repeat(length)) },
)
const number = fc.oneof(
  fc.constantFrom<unknown>(
    0,
    1,
    3_600,
    2_764_800,
    -1,
    0.001,
    1e308,
    2 ** 31,
    2 ** 53,
    '3600',
    null,
    true,
    [],
    {},
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
)
const auth = fc.record(
  {
    client_token: clientToken,
    lease_duration: fc.oneof(
      { weight: 6, arbitrary: fc.constant<unknown>(3_600) },
      { weight: 2, arbitrary: number },
    ),
    renewable: fc.oneof(fc.boolean(), fc.jsonValue({ maxDepth: 1 })),
    num_uses: number,
    token_type: fc.constantFrom<unknown>('service', 'batch', 'default-service', 7, null, 'x'.repeat(5_000)),
    policies: fc.oneof<fc.Arbitrary<unknown>[]>(fc.constant(['root']), fc.jsonValue({ maxDepth: 2 })),
    token_policies: fc.jsonValue({ maxDepth: 2 }),
    identity_policies: fc.jsonValue({ maxDepth: 2 }),
    accessor: fc.jsonValue({ maxDepth: 1 }),
    entity_id: fc.jsonValue({ maxDepth: 1 }),
    metadata: fc.oneof<fc.Arbitrary<unknown>[]>(
      fc.object({ maxDepth: 1 }),
      fc.constant({ ['__proto__']: { polluted: 1 } }),
    ),
    mfa_requirement: fc.oneof(
      { weight: 9, arbitrary: fc.constant<unknown>(null) },
      fc.constantFrom<unknown>({}, 0, ''),
    ),
  },
  { requiredKeys: ['client_token', 'lease_duration'] },
)
/** Vault's own words, words of others, and words that quote what they were sent. */
const errorText = fc.constantFrom(
  ...[
    'permission denied',
    '1 error occurred:\n\t* permission denied\n\n',
    '2 errors occurred:\n\t* invalid token\n\n',
  ],
  ...[
    'Vault is sealed',
    'invalid role name "x"',
    'invalid audience (aud) claim',
    'token is expired',
    '\u001b[2J\u202e',
  ],
  ...[
    `refused ${goodToken()}`,
    `bad token hvs.${CANARY}`,
    'e'.repeat(100_000),
    'eyJ'.repeat(30_000),
    ' '.repeat(90_000),
  ],
)
const body = fc.oneof(
  { weight: 16, arbitrary: auth.map((block) => JSON.stringify({ auth: block })) },
  { weight: 3, arbitrary: fc.array(errorText, { maxLength: 3 }).map((errors) => JSON.stringify({ errors })) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) },
  { weight: 1, arbitrary: fc.nat(6_000).map((depth) => '{"auth":'.repeat(depth)) },
  { weight: 1, arbitrary: errorText },
)
const statusOfLogin = fc.oneof({ weight: 6, arbitrary: fc.constant(200) }, { weight: 1, arbitrary: status })
const redirect = fc
  .tuple(
    fc.constantFrom(301, 302, 303, 307, 308),
    fc.constantFrom(ELSEWHERE, '/', '//x', 'http://[', 'https://127.0.0.1:1', '\u0001elsewhere@', ''),
  )
  .map(
    ([code, location]): RawAnswer => ({
      bytes: `HTTP/1.1 ${code} R\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`,
      after: 'keep',
    }),
  )
const answer = (statuses: fc.Arbitrary<number>) =>
  fc.oneof({ weight: 12, arbitrary: answerWith(body, statuses) }, { weight: 1, arbitrary: redirect })

const arbitrary: fc.Arbitrary<Case> = fc.record({
  login: answer(statusOfLogin),
  data: fc.array(answer(status), { minLength: 1, maxLength: 2 }),
  later: answer(statusOfLogin),
  revokeOnClose: fc.boolean(),
  method: fc.constantFrom('kubernetes', 'jwt'),
})

const JWT = createToken({ token: goodToken('jwt'), loadedAtMs: 0 })
const jwt: TokenProvider = { getToken: async () => JWT, current: JWT, invalidate: () => {} }

export const vaultAnswersTarget = defineTarget<Case>({
  name: 'vault-answers',
  what: 'answers of any kind to logins, renewals, revocations and requests, at a provider and its fetch',
  share: 50,
  async open() {
    const vault = await startRawServer()
    const elsewhere = await startRawServer()
    let round = 0
    const placed = ({ bytes, after }: RawAnswer): RawAnswer => ({
      bytes: typeof bytes === 'string' ? bytes.replaceAll(ELSEWHERE, elsewhere.origin) : bytes,
      after,
    })
    return {
      arbitrary,
      async check({ login, data, later, revokeOnClose, method }) {
        const script = [...data]
        let logins = 0
        vault.answer = ({ target }: RawRequest) => {
          if (target.endsWith('/login')) return placed(logins++ === 0 ? login : later)
          if (target.startsWith('/v1/auth/')) return placed(later)
          return placed(script.shift() ?? OK)
        }
        // Each with a role of its own: providers of one role share their logins.
        const options = {
          address: vault.origin,
          role: `role-${round++}`,
          jwt,
          env: {},
          method,
          revokeOnClose,
        }
        const provider = createVaultTokenProvider({ ...options, startupTimeoutMs: 0 })
        try {
          await firstOutcome(provider)
          ensureDiscreet(provider.status(), 'the status', 1_000_000)
          ensureDiscreet(provider, 'an inspected provider', 1_000_000)
          if (provider.current !== undefined) {
            ensure(VISIBLE.test(provider.current.token), 'a token is visible ASCII')
            await request(createVaultFetch(provider), script.length + 1)
          }
        } finally {
          await provider.close()
          ensureUnharmed(vault, elsewhere)
        }
      },
      async close() {
        await vault.close()
        await elsewhere.close()
      },
    }
  },
})

/** A first token, or the first failure; each is an event, so that nothing here waits for a time. */
async function firstOutcome(provider: ReturnType<typeof createVaultTokenProvider>): Promise<void> {
  const error = await new Promise<VaultError | undefined>((resolve) => {
    provider.once('login', () => resolve(undefined)).once('failed', ({ error }) => resolve(error))
  })
  if (error === undefined) return
  ensure(error instanceof VaultError && /^ERR_VAULT_[A-Z_]+$/.test(error.code), `a VaultError: ${error}`)
  ensureDiscreet(error.message, 'a message', 2_000)
  ensureDiscreet(error, 'an error', 100_000)
}

async function request(send: typeof fetch, times: number): Promise<void> {
  for (let round = 0; round < times; round++) {
    try {
      const response = await send('/v1/secret/data/app')
      await response.arrayBuffer()
    } catch (error) {
      ensure(error instanceof Error, `an Error is thrown: ${error}`)
      ensureDiscreet(error.message, 'a message', 2_000)
    }
  }
}

function ensureUnharmed(vault: Awaited<ReturnType<typeof startRawServer>>, elsewhere: typeof vault): void {
  const { requests, violations } = vault
  vault.requests = []
  vault.violations = []
  const strays = elsewhere.requests.splice(0)
  ensure(violations.length === 0, `what arrives is HTTP: ${violations[0]}`)
  ensure(strays.length === 0, 'no redirect leads elsewhere')
  for (const one of requests) {
    const tokens = field(one, 'x-vault-token')
    const needsNone = one.body.includes('"jwt"')
    ensure(tokens.length === (needsNone ? 0 : 1), `a token with what needs one: ${one.target}`)
    ensure(needsNone || VISIBLE.test(tokens[0] as string), 'only visible ASCII is sent')
  }
  ensure(!('polluted' in {}), 'an answer changes no prototype')
}
