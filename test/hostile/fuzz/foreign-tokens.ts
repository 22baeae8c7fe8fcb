import type { Token, TokenProvider } from '@projected-token/core'
import { createToken } from '@projected-token/core'
import { createAuthFetch } from '@projected-token/fetch'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import { createCallCredentials } from '@projected-token/grpc'
import * as fc from 'fast-check'
import { Agent, request } from 'undici'
import { fieldText } from './http-arbitraries.js'
import { field, startRawServer } from './raw-server.js'
import { defineTarget, ensure } from './target.js'

interface Case {
  readonly token: unknown
  readonly by: 'createToken' | 'fetch' | 'undici' | 'grpc'
  readonly scheme: string
}

const VISIBLE = /^[\x21-\x7e]+$/

/** Providers that keep no rule: what they call a token is anything. */
export const foreignTokensTarget = defineTarget<Case>({
  name: 'foreign-tokens',
  what: "a token of somebody else's provider, which may be anything, at fetch, undici, gRPC and createToken",
  share: 60,
  async open() {
    const server = await startRawServer()
    const agent = new Agent()
    return {
      arbitrary: fc.record({
        token: fc.oneof<fc.Arbitrary<unknown>[]>(
          fieldText,
          fc.string({ unit: 'binary', maxLength: 30 }),
          fieldText.map((text) => `good${text}`),
          fc.anything({ maxDepth: 1 }),
        ),
        by: fc.constantFrom('createToken', 'fetch', 'undici', 'grpc'),
        scheme: fc.oneof({ weight: 6, arbitrary: fc.constant('Bearer') }, fieldText),
      }),
      async check({ token, by, scheme }) {
        const provider = foreign(token)
        try {
          await send(by, provider, scheme)
        } catch (error) {
          ensure(error instanceof Error, 'what is thrown is an Error')
          if (typeof token === 'string' && token.length > 12) {
            ensure(!error.message.includes(token), 'an error does not hold the token')
          }
        }
        const { requests, violations } = server
        server.requests = []
        server.violations = []
        ensure(violations.length === 0, `what arrives is HTTP: ${violations[0]}`)
        for (const one of requests) {
          const [value = ''] = field(one, 'authorization')
          ensure(!/[^\x20-\x7e]/.test(value), `no control and nothing beyond ASCII: ${JSON.stringify(value)}`)
          ensure(
            VISIBLE.test(String(token)),
            `only visible ASCII is sent as a token: ${JSON.stringify(value)}`,
          )
        }
      },
      async close() {
        await agent.close()
        await server.close()
      },
    }

    async function send(by: Case['by'], provider: TokenProvider, scheme: string): Promise<void> {
      if (by === 'createToken') {
        const made = createToken({ token: (await provider.getToken()).token, loadedAtMs: 0 })
        ensure(VISIBLE.test(made.token), 'a made token is visible ASCII')
      } else if (by === 'fetch') {
        const authFetch = createAuthFetch(provider, { origins: [server.origin], scheme })
        await (await authFetch(`${server.origin}/`)).text()
      } else if (by === 'undici') {
        const dispatcher = agent.compose(
          createTokenInterceptor(provider, { origins: [server.origin], scheme }),
        )
        await (await request(server.origin, { dispatcher })).body.dump()
      } else {
        const credentials = createCallCredentials(provider, { requireTransportSecurity: false })
        const metadata = await credentials.generateMetadata({ method_name: 'm', service_url: 'https://s' })
        const values = metadata.get('authorization').map(String)
        ensure(
          values.length === 1 && !/[^\x20-\x7e]/.test(values[0] as string),
          `metadata is ASCII: ${values}`,
        )
      }
    }
  },
})

function foreign(token: unknown): TokenProvider {
  const held = { token, expiresAtMs: undefined, loadedAtMs: 0 } as Token
  return { current: held, getToken: async () => held, invalidate: () => {} }
}
