import assert from 'node:assert/strict'
import type { Token, TokenProvider } from '@projected-token/core'
import { within } from './real-time.js'

/**
 * What a subject can do besides giving tokens. A contract needs all of them, but for those that it is told to do
 * `without`.
 */
export type Capability = 'rotate' | 'fail' | 'expire' | 'looks'

/** A provider under test and its source. */
export interface TokenProviderSubject {
  /** The one under test; its source has a valid token. */
  provider: TokenProvider
  /** Capability `rotate`: from now on the source gives another token, one that it never gave before. */
  rotate?(): Promise<void>
  /** Capability `fail`: the source fails; a token obtained earlier stays valid. */
  fail?(): void | Promise<void>
  /** Capability `expire`: the current token is past its expiry, and the source has no valid one. */
  expire?(): void | Promise<void>
  /** Ends `fail()` and `expire()`: the source gives a valid token. */
  recover?(): void | Promise<void>
  /** Capability `looks`: how often the source has been asked for a token so far. */
  looks?(): number
  /** The provider's wall clock: Unix time in milliseconds. @default Date.now */
  now?(): number
  /** Ends the provider and its source. */
  close(): Promise<void>
}

/** One sentence of the contract. */
export interface Sentence {
  name: string
  needs?: Capability[]
  /** `limitMs`: how long the provider may take for one thing, in real milliseconds. */
  check(subject: CompleteSubject, get: GetToken, limitMs: number): Promise<void>
}

/** A subject whose capabilities have been looked at: `Sentence.needs` names those that are used. */
export type CompleteSubject = Required<TokenProviderSubject>

/** `getToken()` that fails the sentence when it takes too long. */
export type GetToken = (options?: { signal?: AbortSignal }) => Promise<Token>

/** Fills in what the sentence does not need. @throws AssertionError when what it needs is missing */
export function completeSubject(subject: TokenProviderSubject, needs: Capability[]): CompleteSubject {
  for (const capability of needs) {
    const names =
      capability === 'fail' || capability === 'expire' ? [capability, 'recover' as const] : [capability]
    for (const name of names) {
      assert.equal(
        typeof subject[name],
        'function',
        `This sentence needs ${name}() from the factory; without it, list '${capability}' in the option 'without'`,
      )
    }
  }
  return {
    provider: subject.provider,
    rotate: async () => subject.rotate?.(),
    fail: async () => subject.fail?.(),
    expire: async () => subject.expire?.(),
    recover: async () => subject.recover?.(),
    looks: () => subject.looks?.() ?? 0,
    now: () => subject.now?.() ?? Date.now(),
    close: () => subject.close(),
  }
}

/** `getToken()` of `provider` with a limit of `limitMs` real milliseconds. */
export function limitedGetToken(provider: TokenProvider, limitMs: number): GetToken {
  return (options) =>
    within(
      // Not only a rejection: a provider that throws at once fails the sentence in the same way.
      (async () => provider.getToken(options))(),
      limitMs,
      () =>
        new assert.AssertionError({
          message: `getToken() has neither given nor refused a token in ${limitMs} ms`,
        }),
    )
}

/** Fails unless `getToken()` rejects; gives what with. */
export async function refusal(getting: Promise<Token>, why: string): Promise<unknown> {
  const result = await getting.then(
    () => ({ gaveToken: true as const }),
    (reason: unknown) => ({ gaveToken: false as const, reason }),
  )
  assert.ok(!result.gaveToken, `getToken() gave a token ${why}`)
  if (result.reason instanceof assert.AssertionError) throw result.reason
  return result.reason
}
