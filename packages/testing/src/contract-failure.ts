import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { refusal, type Sentence } from './contract-subject.js'
import { poll } from './real-time.js'

/** What a provider does when its source fails. */
export const failureSentences: Sentence[] = [
  {
    name: 'keeps a valid token while its source fails: that is no error of a caller',
    needs: ['fail'],
    async check(subject, get) {
      const token = await get()
      await subject.fail()
      for (let i = 0; i < 10; i++) {
        assert.ok((await get()) === token, 'another token was given while the source failed')
      }
      const { current } = subject.provider
      assert.ok(current === undefined || current === token, 'current has changed while the source failed')
    },
  },
  {
    name: 'ends a look for another token that fails: with the token at hand, or an error with a code',
    needs: ['fail'],
    async check(subject, get) {
      const token = await get()
      await subject.fail()
      subject.provider.invalidate(token)
      const result = await get().catch((error: unknown) => ({ error }))
      if ('error' in result) assertError(result.error)
      else assert.ok(result.token === token.token, 'a token came from a source that fails')
    },
  },
  {
    name: 'gives no token that has expired: getToken() rejects and current is undefined',
    needs: ['expire'],
    async check(subject, get) {
      await get()
      await subject.expire()
      assert.ok(subject.provider.current === undefined, 'current is a token that has expired')
      for (let i = 0; i < 2; i++) await refusal(get(), 'that has expired')
    },
  },
  {
    name: 'rejects with an error that has a code and a message, and not the token',
    needs: ['expire'],
    async check(subject, get) {
      const { token } = await get()
      await subject.expire()
      const error = await refusal(get(), 'that has expired')
      assertError(error)
      const shown = [
        inspect(error, { depth: 8, showHidden: true }),
        String(error),
        (error as Error).stack ?? '',
      ]
      shown.push(JSON.stringify(error, Object.getOwnPropertyNames(error)) ?? '')
      assert.ok(!shown.some((text) => text.includes(token)), 'the error shows the token')
    },
  },
  {
    name: 'gives a valid token again once its source has recovered',
    needs: ['expire'],
    async check(subject, get, limitMs) {
      const old = await get()
      await subject.expire()
      await refusal(get(), 'that has expired')
      await subject.recover()
      const fresh = await poll(() => get().catch(() => undefined), limitMs)
      assert.ok(fresh, `getToken() still rejected ${limitMs} ms after the source had recovered`)
      assert.ok(fresh.token !== old.token, 'the expired token was given again')
    },
  },
]

function assertError(error: unknown): void {
  assert.ok(error instanceof Error, 'getToken() rejected with something that is no Error')
  const { code } = error as { code?: unknown }
  assert.ok(typeof code === 'string' && code !== '', 'the error has no code that a program could compare')
  assert.ok(error.message !== '', 'the error has no message')
}
