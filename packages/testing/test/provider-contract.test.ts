import nodeTest from 'node:test'
import type { Token, TokenProvider } from '@projected-token/core'
import { describeTokenProviderContract, type TokenProviderSubject } from '@projected-token/testing'
import { describe, expect, it } from 'vitest'
import { createMemorySubject } from './memory-provider.js'

type Subject = Required<TokenProviderSubject>
type Breakage = (provider: TokenProvider, subject: Subject) => Partial<TokenProvider>

/** Collects the sentences instead of running them. */
function sentencesFor(
  factory: () => Promise<TokenProviderSubject>,
  options?: object,
): Map<string, () => Promise<void>> {
  const sentences = new Map<string, () => Promise<void>>()
  const runner = {
    describe: (_name: string, body: () => void) => body(),
    it: (name: string, body: () => Promise<void>) => sentences.set(name, body),
  }
  describeTokenProviderContract(runner, 'a provider', factory, options)
  return sentences
}

/** Names of the sentences that fail. */
async function failuresOf(breakage: Breakage): Promise<string[]> {
  const failures: string[] = []
  const factory = async () => {
    const subject = await createMemorySubject()
    const { provider } = subject
    const broken = breakage(provider, subject)
    return {
      ...subject,
      provider: Object.defineProperties({}, mergeProperties(provider, broken)) as TokenProvider,
    }
  }
  for (const [name, run] of sentencesFor(factory, { limitMs: 100 })) {
    await run().catch((error: Error) => {
      expect(error.message).not.toContain('secret-number')
      failures.push(name)
    })
  }
  return failures
}

const mergeProperties = (...objects: object[]): PropertyDescriptorMap =>
  Object.assign({}, ...objects.map((object) => Object.getOwnPropertyDescriptors(object)))

/** A token whose fields are as given, without the redaction of the real one. */
const plain = (token: Token, fields: object = {}): Token => ({
  token: token.token,
  expiresAtMs: token.expiresAtMs,
  loadedAtMs: token.loadedAtMs,
  ...fields,
})
/** The same object for the same token, as the contract asks for. */
const memoize = (change: (token: Token) => Token) => {
  const seen = new WeakMap<Token, Token>()
  const changed = (token: Token) => {
    if (!seen.has(token)) seen.set(token, change(token))
    return seen.get(token) as Token
  }
  return ({ getToken }: TokenProvider): Partial<TokenProvider> => ({
    getToken: async (options) => changed(await getToken(options)),
    current: undefined,
  })
}

/** Blocks the event loop: no timer fires, no I/O is seen. */
function standStill(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs)
}

/** Tells from now on whether the subject's source has been made to fail. */
function watchFailure(subject: Subject): () => boolean {
  let isFailing = false
  const { fail } = subject
  subject.fail = async () => {
    isFailing = true
    await fail()
  }
  return () => isFailing
}

const breakages: Record<string, [breakage: Breakage, failing: RegExp[]]> = {
  'gives an empty token': [memoize((token) => plain(token, { token: '' })), [/fits into a header/]],
  'keeps a newline': [
    memoize((token) => plain(token, { token: `${token.token}\n` })),
    [/fits into a header/],
  ],
  'has times in seconds': [
    memoize((token) => plain(token, { expiresAtMs: (token.expiresAtMs ?? 0) / 1_000 })),
    [/times of a token/],
  ],
  'has no loading time': [memoize((token) => plain(token, { loadedAtMs: undefined })), [/times of a token/]],
  'wraps the token anew at each call': [
    ({ getToken }) => ({ getToken: async (options) => plain(await getToken(options)), current: undefined }),
    [/same object/, /concurrent callers/],
  ],
  'has a promise as current': [
    ({ getToken }) => ({
      get current() {
        const promise = getToken()
        promise.catch(() => undefined)
        return promise as unknown as Token
      },
    }),
    [/has as current/],
  ],
  'has another object as current': [
    (provider) => ({
      get current() {
        return provider.current && plain(provider.current)
      },
    }),
    [/has as current/],
  ],
  'keeps an expired token as current': [
    (provider) => {
      let last: Token | undefined
      return {
        async getToken(options) {
          last = await provider.getToken(options)
          return last
        },
        get current() {
          return last
        },
      }
    },
    [/no token that has expired/],
  ],
  'gives tokens that can be changed': [
    memoize((token) => plain(token)),
    [/cannot be changed/, /neither in a log/],
  ],
  'asks its source for every caller': [
    (_, { now }) => ({
      getToken: async () => ({
        token: `secret-number-${Math.random()}`,
        expiresAtMs: now() + 1_000,
        loadedAtMs: now(),
      }),
      current: undefined,
    }),
    [/concurrent callers/, /same object/],
  ],
  'ignores signals': [({ getToken }) => ({ getToken: () => getToken() }), [/aborted already/]],
  'rejects with an error of its own when aborted': [
    ({ getToken }) => ({
      getToken: (options) =>
        getToken(options).catch((error) => {
          throw options?.signal?.aborted ? new Error('aborted') : error
        }),
    }),
    [/aborted already/],
  ],
  'shares the signal of the first caller': [
    ({ getToken }) => {
      let shared: AbortSignal | undefined
      return {
        getToken(options) {
          if (options?.signal?.aborted) return getToken(options)
          shared = options?.signal ?? shared
          const mine = getToken()
          mine.catch(() => undefined)
          return new Promise((resolve, reject) => {
            setImmediate(() => {
              if (shared?.aborted) reject(shared.reason)
              else mine.then(resolve, reject)
            })
          })
        },
      }
    },
    [/does not fail other callers/],
  ],
  'leaves listeners on signals': [
    ({ getToken }) => ({
      getToken(options) {
        options?.signal?.addEventListener('abort', () => {})
        return getToken(options)
      },
    }),
    [/leaves nothing behind/],
  ],
  'ignores reports': [() => ({ invalidate() {} }), [/after a report/, /storm of reports/, /looks once/]],
  'drops any token at any report': [
    (provider) => ({
      invalidate() {
        if (provider.current) provider.invalidate(provider.current)
      },
    }),
    [/late report/, /somebody else/],
  ],
  'looks again for every report': [
    (provider, subject) => {
      const { looks } = subject
      let more = 0
      subject.looks = () => looks() + more
      return {
        invalidate(token) {
          more++
          provider.invalidate(token)
        },
      }
    },
    [/looks once/],
  ],
  'never forgets a report': [
    ({ getToken }) => {
      let isReported = false
      return {
        getToken: async (options) => {
          const token = await getToken(options)
          return isReported ? plain(token) : token
        },
        invalidate() {
          isReported = true
        },
      }
    },
    [/valid token again when/],
  ],
  'throws at a report that it does not know': [
    (provider) => ({
      invalidate(token) {
        if (token !== provider.current) throw new Error('unknown token')
        provider.invalidate(token)
      },
    }),
    [/late report/, /somebody else/],
  ],
  'gives up a valid token when its source fails': [
    (provider, subject) => {
      const isFailing = watchFailure(subject)
      return {
        async getToken(options) {
          if (isFailing()) throw Object.assign(new Error('The source fails'), { code: 'ERR_SOURCE' })
          return provider.getToken(options)
        },
      }
    },
    [/keeps a valid token/],
  ],
  'throws what is no error with a code when a look fails': [
    ({ getToken }, subject) => {
      const isFailing = watchFailure(subject)
      return {
        getToken: (options) => (isFailing() ? Promise.reject(new Error('no code')) : getToken(options)),
      }
    },
    [/ends a look/],
  ],
  'gives an expired token': [
    ({ getToken }) => {
      let last: Token | undefined
      return {
        async getToken(options) {
          if (options?.signal?.aborted) return getToken(options)
          last = await getToken(options).catch((error) => last ?? Promise.reject(error))
          return last as Token
        },
      }
    },
    [/no token that has expired/, /recovered/],
  ],
  'has errors without a code': [
    ({ getToken }) => ({
      getToken: (options) =>
        getToken(options).catch((error) => {
          throw options?.signal?.aborted ? error : new Error('It failed')
        }),
    }),
    [/has a code and a message/],
  ],
  'shows the token in errors': [
    ({ getToken }) => {
      let last = ''
      return {
        async getToken(options) {
          const token = await getToken(options).catch((error: Error) => {
            throw options?.signal?.aborted
              ? error
              : Object.assign(error, { config: { headers: { a: last } } })
          })
          last = token.token
          return token
        },
      }
    },
    [/has a code and a message, and not the token/],
  ],
  'never recovers': [
    ({ getToken }) => {
      let dead: unknown
      return {
        async getToken(options) {
          if (dead) throw dead
          return getToken(options).catch((error) => {
            if (!options?.signal?.aborted) dead = error
            throw error
          })
        },
      }
    },
    [/recovered/],
  ],
  'keeps the secret in a plain property': [
    ({ getToken }) => ({
      getToken: async function (this: { last?: string }, options) {
        const token = await getToken(options)
        this.last = token.token
        return token
      },
    }),
    [/does not show a secret itself/],
  ],
  hangs: [() => ({ getToken: () => new Promise<never>(() => {}) }), [/fits into a header/, /has expired/]],
}

describeTokenProviderContract({ describe, it }, 'a provider in memory', createMemorySubject)

describe('the contract', () => {
  const caught = new Set<string>()
  it.each(Object.entries(breakages))('is broken by a provider that %s', async (_, [breakage, expected]) => {
    const failures = await failuresOf(breakage)
    for (const name of failures) caught.add(name)
    for (const pattern of expected) expect(failures).toContainEqual(expect.stringMatching(pattern))
  })

  it('has no sentence that cannot fail', () => {
    expect([...sentencesFor(createMemorySubject).keys()].filter((name) => !caught.has(name))).toEqual([])
  })

  it('does not register what a subject cannot do, if told so', async () => {
    const all = sentencesFor(createMemorySubject)
    const factory = async () => {
      const { provider, now, close } = await createMemorySubject()
      return { provider, now, close }
    }
    const some = sentencesFor(factory, { without: ['rotate', 'fail', 'expire', 'looks'] })
    expect(some.size).toBeLessThan(all.size)
    for (const run of some.values()) await run()
  })

  it('is kept on a machine that stands still for longer than the limit', async () => {
    const factory = async () => {
      const subject = await createMemorySubject()
      const { getToken } = subject.provider
      subject.provider.getToken = async (options) => {
        const token = await getToken(options)
        standStill(500)
        await new Promise((resolve) => setImmediate(resolve))
        return token
      }
      return subject
    }
    const sentence = [...sentencesFor(factory, { limitMs: 400 })].find(([name]) => /header/.test(name))?.[1]
    await sentence?.()
  })

  it('fails a sentence whose capability is missing, with the remedy', async () => {
    const factory = async () => {
      const { rotate: _, ...subject } = await createMemorySubject()
      return subject
    }
    const sentence = [...sentencesFor(factory)].find(([name]) => /late report/.test(name))?.[1]
    await expect(sentence?.()).rejects.toThrow("needs rotate() from the factory; without it, list 'rotate'")
  })

  it('closes each subject, also after a failure', async () => {
    let open = 0
    const factory = async () => {
      open++
      const subject = await createMemorySubject()
      const getToken = async () => ({ token: '', expiresAtMs: undefined, loadedAtMs: 0 })
      return { ...subject, provider: { ...subject.provider, getToken }, close: async () => void open-- }
    }
    for (const run of sentencesFor(factory).values()) await run().catch(() => {})
    expect(open).toBe(0)
  })

  it('takes the functions of node:test too', () => {
    // Only that the types fit: a test of another runner cannot run in this one.
    const runner: Parameters<typeof describeTokenProviderContract>[0] = nodeTest
    expect(typeof runner.describe).toBe('function')
  })

  it('throws for arguments that are wrong', () => {
    const register =
      (...args: unknown[]) =>
      () =>
        (describeTokenProviderContract as (...a: unknown[]) => void)(...args)
    expect(register({ describe }, 'x', createMemorySubject)).toThrow("'it' must be a function; got undefined")
    expect(register({ describe, it }, '', createMemorySubject)).toThrow("'name' must be a string, not empty")
    expect(register({ describe, it }, 'x', {})).toThrow("'factory' must be a function; got an object")
    expect(register({ describe, it }, 'x', createMemorySubject, { skip: [] })).toThrow("no option 'skip'")
    expect(register({ describe, it }, 'x', createMemorySubject, { without: ['luck'] })).toThrow(RangeError)
  })
})
