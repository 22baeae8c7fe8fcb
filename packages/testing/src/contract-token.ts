import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { refusal, type Sentence } from './contract-subject.js'

const CALLERS = 1_000

/** What `getToken()` and `current` give. */
export const tokenSentences: Sentence[] = [
  {
    name: 'gives a token that fits into a header: visible ASCII, not empty',
    async check(_subject, get) {
      const { token } = await get()
      assert.equal(typeof token, 'string')
      assert.ok(
        /^[\x21-\x7e]+$/.test(token),
        'the token has no visible character, or one that no header may hold',
      )
    },
  },
  {
    name: 'gives the times of a token in milliseconds, and none that has expired',
    async check(subject, get) {
      const { expiresAtMs, loadedAtMs } = await get()
      assert.ok(Number.isFinite(loadedAtMs), 'loadedAtMs is no finite number')
      if (expiresAtMs === undefined) return
      assert.ok(Number.isFinite(expiresAtMs), 'expiresAtMs is neither undefined nor a finite number')
      assert.ok(expiresAtMs > subject.now(), 'the token expired before it was given')
    },
  },
  {
    name: 'gives the same object while nothing has changed',
    async check(_subject, get) {
      const first = await get()
      assert.ok((await get()) === first, 'a second getToken() gave another object')
      assert.ok((await get({})) === first, 'getToken({}) gave another object')
    },
  },
  {
    name: 'has as current what getToken() gives, or undefined, without a promise',
    async check({ provider }, get) {
      const before = provider.current
      assert.ok(
        before === undefined || typeof before.token === 'string',
        'current is neither a token nor undefined',
      )
      const token = await get()
      const current = provider.current
      assert.ok(current === undefined || current === token, 'current is another object than getToken() gave')
      for (let i = 0; i < 100; i++)
        assert.ok(provider.current === current, 'current changes from look to look')
    },
  },
  {
    name: 'gives a token that cannot be changed',
    async check(_subject, get) {
      const token = await get()
      const before = token.token
      for (const name of ['token', 'expiresAtMs', 'loadedAtMs']) Reflect.set(token, name, 'changed')
      assert.ok(token.token === before, 'the secret of a token was changed')
      assert.notEqual(token.expiresAtMs, 'changed', 'the expiry of a token was changed')
      assert.notEqual(token.loadedAtMs, 'changed', 'the loading time of a token was changed')
    },
  },
  {
    name: `gives ${CALLERS.toLocaleString('en')} concurrent callers one credential`,
    async check(_subject, get) {
      const tokens = await Promise.all(Array.from({ length: CALLERS }, () => get()))
      assert.equal(new Set(tokens).size, 1, 'concurrent callers got different tokens')
    },
  },
  {
    name: "rejects with the signal's reason when it is aborted already",
    async check(_subject, get) {
      for (const moment of ['before the first token', 'with a token at hand']) {
        const reason = new Error('the caller has gone')
        const rejected = await refusal(
          get({ signal: AbortSignal.abort(reason) }),
          `to an aborted signal ${moment}`,
        )
        assert.ok(rejected === reason, `${moment}, the rejection is not the signal's reason`)
        const unnamed = AbortSignal.abort()
        const abortError = await refusal(get({ signal: unnamed }), `to an aborted signal ${moment}`)
        assert.ok(
          abortError === unnamed.reason,
          `${moment}, the rejection is not the signal's own AbortError`,
        )
        await get()
      }
    },
  },
  {
    name: "does not fail other callers when one caller's signal is aborted",
    async check({ provider }, get) {
      for (const moment of ['while the first token is awaited', 'while another one is looked for']) {
        const caller = new AbortController()
        const reason = new Error('one caller has gone')
        const before = get()
        const one = get({ signal: caller.signal }).catch((error: unknown) => error)
        const after = get()
        caller.abort(reason)
        const [token, sameToken, outcome] = await Promise.all([before, after, one])
        assert.ok(token === sameToken, `${moment}, the other callers got different tokens`)
        const isFair = outcome === reason || outcome === token
        assert.ok(isFair, `${moment}, the aborted call gave neither the token nor its signal's reason`)
        provider.invalidate(token)
      }
    },
  },
  {
    name: 'leaves nothing behind on a signal that outlives the call',
    async check({ provider }, get) {
      const { signal } = new AbortController()
      const token = await get({ signal })
      provider.invalidate(token)
      await Promise.all(Array.from({ length: 5 }, () => get({ signal })))
      assert.equal(getEventListeners(signal, 'abort').length, 0, 'listeners stay on the signal')
    },
  },
]
