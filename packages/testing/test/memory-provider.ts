import { createToken, type GetTokenOptions, type Token, type TokenProvider } from '@projected-token/core'
import { createFakeClock, type TokenProviderSubject } from '@projected-token/testing'

class SourceError extends Error {
  readonly code = 'ERR_SOURCE'
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

/** A correct provider, as small as one can be: keeps the last token of a source that can fail. */
export async function createMemorySubject(): Promise<Required<TokenProviderSubject>> {
  const clock = createFakeClock()
  let serial = 1
  let isFailing = false
  let looks = 0
  const source = async () => {
    looks++
    await new Promise((resolve) => setImmediate(resolve))
    if (isFailing) throw new SourceError('The source gives no token')
    return { token: `secret-number-${serial}`, expiresAtMs: clock.now() + 60_000, loadedAtMs: clock.now() }
  }

  let held: Token | undefined
  let isRefused = false
  let look: Promise<Token> | undefined
  const valid = () => (held?.expiresAtMs !== undefined && held.expiresAtMs > clock.now() ? held : undefined)
  async function find(): Promise<Token> {
    try {
      const found = await source()
      if (held?.token !== found.token || !valid()) held = createToken(found)
    } catch (error) {
      if (!valid()) throw error
    } finally {
      isRefused = false
      look = undefined
    }
    return held as Token
  }
  const provider: TokenProvider = {
    async getToken({ signal }: GetTokenOptions = {}) {
      signal?.throwIfAborted()
      const token = isRefused ? undefined : valid()
      if (token) return token
      look ??= find()
      if (!signal) return look
      const ended = new AbortController()
      const aborted = untilAborted(AbortSignal.any([signal, ended.signal]))
      aborted.catch(() => undefined)
      return Promise.race([look, aborted]).finally(() => ended.abort())
    },
    get current() {
      return isRefused ? undefined : valid()
    },
    invalidate(rejected) {
      if (rejected === held) isRefused = true
    },
  }
  return {
    provider,
    async rotate() {
      serial++
    },
    async fail() {
      isFailing = true
    },
    async expire() {
      isFailing = true
      await clock.advance(60_000)
    },
    async recover() {
      isFailing = false
      serial++
    },
    looks: () => looks,
    now: clock.now,
    close: async () => {},
  }
}
