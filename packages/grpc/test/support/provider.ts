import {
  type Clock,
  createToken,
  type GetTokenOptions,
  systemClock,
  type Token,
  TokenError,
  type TokenErrorCode,
  type TokenProvider,
} from '@projected-token/core'

/** A token that is good for so many seconds from the clock's now; for ever without. */
export function tokenFor(clock: Clock, secret: string, seconds?: number): Token {
  const nowMs = clock.now()
  const expiresAtMs = seconds === undefined ? undefined : nowMs + seconds * 1000
  return createToken({ token: secret, expiresAtMs, loadedAtMs: nowMs })
}

export const tokenError = (code: TokenErrorCode) => new TokenError(`the file is no good`, { code })

export interface ManualProvider extends TokenProvider {
  /** How often getToken() was called. */
  lookups: number
  invalidated: Token[]
  /** What getToken() does from now on: gives, fails, or (undefined) waits for `settle`. */
  answer: Token | Error | undefined
  /** Ends the looks that wait. */
  settle(answer: Token | Error): void
}

/** A provider without `current`, as simple as the interface permits. */
export function createManualProvider(answer?: Token | Error): ManualProvider {
  const waiting: { resolve(token: Token): void; reject(error: Error): void }[] = []
  const provider: ManualProvider = {
    lookups: 0,
    invalidated: [],
    answer,
    getToken(_options?: GetTokenOptions) {
      provider.lookups++
      if (provider.answer instanceof Error) return Promise.reject(provider.answer)
      if (provider.answer) return Promise.resolve(provider.answer)
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    },
    settle(given) {
      for (const { resolve, reject } of waiting.splice(0)) {
        if (given instanceof Error) reject(given)
        else resolve(given)
      }
    },
    invalidate(rejected) {
      provider.invalidated.push(rejected)
    },
  }
  return provider
}

/** The same with a `current` that the test sets. */
export function createHoldingProvider(current?: Token): ManualProvider & { current: Token | undefined } {
  return Object.assign(createManualProvider(), { current })
}

/** One that holds a token which is good for ten minutes. */
export const providerOf = (secret: string) => createHoldingProvider(tokenFor(systemClock, secret, 600))
