import assert from 'node:assert/strict'
import type { Sentence } from './contract-subject.js'

const REPORTS = 100

/** What `invalidate()` does. */
export const invalidateSentences: Sentence[] = [
  {
    name: 'gives the new token to the first call after a report that the old one was refused',
    needs: ['rotate'],
    async check(subject, get) {
      const old = await get()
      const secret = old.token
      await subject.rotate()
      subject.provider.invalidate(old)
      const fresh = await get()
      assert.ok(
        fresh.token !== secret,
        'the refused token was given again although the source had another one',
      )
      assert.ok(old.token === secret, 'the old token object has changed its secret')
    },
  },
  {
    name: 'is not changed by a late report about an older token',
    needs: ['rotate'],
    async check(subject, get) {
      const old = await get()
      await subject.rotate()
      subject.provider.invalidate(old)
      const fresh = await get()
      const current = subject.provider.current
      subject.provider.invalidate(old)
      assert.ok(subject.provider.current === current, 'a late report took the newer token from current')
      assert.ok((await get()) === fresh, 'a late report changed the token that is given')
    },
  },
  {
    name: 'gives one new token to all callers in a storm of reports',
    needs: ['rotate'],
    async check(subject, get) {
      const old = await get()
      await subject.rotate()
      const answers = Array.from({ length: REPORTS }, () => {
        subject.provider.invalidate(old)
        return get()
      })
      const tokens = await Promise.all(answers)
      assert.equal(new Set(tokens).size, 1, 'a storm of reports gave callers different tokens')
      assert.ok(tokens[0]?.token !== old.token, 'a storm of reports gave the refused token')
    },
  },
  {
    name: 'looks once for another token, however many reports come',
    needs: ['looks'],
    async check(subject, get) {
      const token = await get()
      const before = subject.looks()
      for (let i = 0; i < REPORTS; i++) subject.provider.invalidate(token)
      await Promise.all(Array.from({ length: REPORTS }, () => get()))
      const looks = subject.looks() - before
      assert.equal(looks, 1, `${REPORTS} reports caused ${looks} looks`)
    },
  },
  {
    name: 'gives a valid token again when there is no other one',
    async check(subject, get) {
      subject.provider.invalidate(await get())
      const again = await get()
      const isValid = again.expiresAtMs === undefined || again.expiresAtMs > subject.now()
      assert.ok(isValid, 'the token after the report has expired')
      assert.ok((await get()) === again, 'the report still has an effect after it was looked into')
    },
  },
  {
    name: 'is not changed by a report about a token of somebody else',
    async check({ provider }, get) {
      const stranger = { token: 'of-somebody-else', expiresAtMs: undefined, loadedAtMs: 0 }
      provider.invalidate(stranger)
      const token = await get()
      const { current } = provider
      provider.invalidate(stranger)
      assert.ok(provider.current === current, "a stranger's token changed current")
      assert.ok((await get()) === token, "a stranger's token changed the token that is given")
    },
  },
]
