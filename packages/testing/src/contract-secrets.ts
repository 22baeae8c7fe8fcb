import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Sentence } from './contract-subject.js'

/** Everything that a log line might make of a value, by name. */
const WAYS_TO_SHOW: Array<[string, (value: object) => unknown]> = [
  ['util.inspect()', (value) => inspect(value, { depth: 8 })],
  ['util.inspect() with hidden properties', (value) => inspect(value, { depth: 8, showHidden: true })],
  ['util.inspect() without custom inspection', (value) => inspect(value, { depth: 8, customInspect: false })],
  ['JSON.stringify()', (value) => JSON.stringify(value)],
  ['JSON.stringify() of a list', (value) => JSON.stringify([value])],
  ['String()', (value) => String(value)],
  ['a template string', (value) => `${value}`],
  ['object spread', (value) => JSON.stringify({ ...value })],
  ['Object.entries()', (value) => JSON.stringify(Object.entries(value))],
  ['structured clone', (value) => inspect(structuredClone(value), { depth: 8 })],
]

/** Who sees a token: only who asks for its `token`. */
export const secretSentences: Sentence[] = [
  {
    name: 'gives a token that shows its secret neither in a log nor as JSON',
    async check(_subject, get) {
      const token = await get()
      assertHidden('the token', token, token.token)
    },
  },
  {
    name: 'does not show a secret itself, in a log or as JSON',
    async check({ provider }, get) {
      const { token } = await get()
      assertHidden('the provider', provider, token)
    },
  },
]

function assertHidden(what: string, value: object, secret: string): void {
  for (const [way, show] of WAYS_TO_SHOW) {
    let shown: string
    try {
      shown = String(show(value))
    } catch (error) {
      // Functions cannot be cloned, cycles are not JSON: nothing is shown but the error.
      shown = String(error)
    }
    assert.ok(!shown.includes(secret), `${way} of ${what} shows the secret`)
  }
}
