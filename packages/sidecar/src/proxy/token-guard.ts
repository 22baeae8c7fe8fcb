import type { GetTokenOptions, TokenProvider } from '@projected-token/core'

/** There is no valid token: tells a provider's failure, whose cause it is, from one of the upstream. */
export class NoTokenError extends Error {
  override readonly name = 'NoTokenError'
  readonly code: string | undefined

  constructor(cause: unknown) {
    super('There is no valid token', { cause })
    this.code = codeOf(cause)
  }
}

/** The provider, with its failures marked as such: a Vault that cannot be reached is not an upstream that cannot. */
export function guardProvider(provider: TokenProvider): TokenProvider {
  return {
    get current() {
      return provider.current
    },
    async getToken(options?: GetTokenOptions) {
      try {
        return await provider.getToken(options)
      } catch (error) {
        throw new NoTokenError(error)
      }
    },
    invalidate: (rejected) => provider.invalidate(rejected),
  }
}

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
