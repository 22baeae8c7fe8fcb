import { createToken, type Token, type TokenProvider } from '@projected-token/core'
import { describeTokenProviderContract } from '@projected-token/testing'
import { describe, it } from 'vitest'

/** Gives what is in an environment variable: no expiry, and nothing to rotate. */
function createEnvironmentProvider(name: string): TokenProvider {
  let token: Token | undefined
  return {
    async getToken({ signal } = {}) {
      signal?.throwIfAborted()
      token ??= createToken({ token: process.env[name] ?? '', loadedAtMs: Date.now() })
      return token
    },
    invalidate() {},
  }
}

describeTokenProviderContract(
  { describe, it },
  'a token from the environment',
  async () => {
    process.env.BILLING_TOKEN = 'a-token'
    return { provider: createEnvironmentProvider('BILLING_TOKEN'), close: async () => {} }
  },
  { without: ['rotate', 'fail', 'expire', 'looks'] },
)
