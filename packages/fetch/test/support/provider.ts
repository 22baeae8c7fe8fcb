import { createToken, type GetTokenOptions, type Token, type TokenProvider } from '@projected-token/core'

export const token = (secret: string): Token => createToken({ token: secret, loadedAtMs: 0 })

/** A provider that holds one token, and after a report about it gives the next of a list. */
export interface ScriptedProvider extends TokenProvider {
  readonly invalidated: string[]
  readonly lookups: (AbortSignal | undefined)[]
  /** Replaces the token, as a rotation does. */
  rotate(secret: string): void
}

export function createScriptedProvider(...secrets: string[]): ScriptedProvider {
  const tokens = secrets.map(token)
  let position = 0
  let held = true
  const at = (index: number): Token => tokens[Math.min(index, tokens.length - 1)] as Token
  const provider = {
    invalidated: [] as string[],
    lookups: [] as (AbortSignal | undefined)[],
    get current() {
      return held ? at(position) : undefined
    },
    async getToken(options?: GetTokenOptions) {
      provider.lookups.push(options?.signal)
      if (!held) position++
      held = true
      return at(position)
    },
    invalidate(rejected: Token) {
      provider.invalidated.push(rejected.token)
      if (rejected.token === at(position).token) held = false
    },
    rotate(secret: string) {
      tokens.splice(position + 1, 0, token(secret))
      position++
      held = true
    },
  }
  return provider
}

/** A provider whose every lookup is settled by the test. */
export function createManualProvider(current?: Token) {
  const lookups: {
    signal: AbortSignal | undefined
    resolve(found: Token): void
    reject(error: unknown): void
  }[] = []
  const waiters: (() => void)[] = []
  const provider = {
    current,
    lookups,
    invalidated: [] as string[],
    getToken(options?: GetTokenOptions) {
      return new Promise<Token>((resolve, reject) => {
        lookups.push({ signal: options?.signal, resolve, reject })
        for (const wake of waiters.splice(0)) wake()
      })
    },
    invalidate(rejected: Token) {
      provider.invalidated.push(rejected.token)
      provider.current = undefined
    },
    /** Resolves once somebody waits for a token. */
    async lookedUp() {
      if (lookups.length === 0) await new Promise<void>((resolve) => waiters.push(resolve))
      return lookups[0] as (typeof lookups)[number]
    },
  }
  return provider
}

/** What `invalidate` of a provider may do by mistake. */
export const failingReports = [
  {
    how: 'throws',
    invalidate(): void {
      throw new Error('a mistake')
    },
  },
  { how: 'rejects', invalidate: (): Promise<void> => Promise.reject(new Error('a mistake')) },
]
