import type { Advice } from './advice.js'
import { ADVICE_ON_PLACES } from './advice-on-places.js'
import { ADVICE_ON_TOKENS } from './advice-on-tokens.js'
import { ADVICE_ON_VAULT } from './advice-on-vault.js'

const ADVICE = new Map(Object.entries({ ...ADVICE_ON_TOKENS, ...ADVICE_ON_PLACES, ...ADVICE_ON_VAULT }))

/** All codes that a finding may have. */
export const CODES: readonly string[] = [...ADVICE.keys()]

/** For a code that a later version of a library brings. */
const UNKNOWN: Advice = {
  why: 'The token cannot be used as it is.',
  remedy: 'What was seen says where to look.',
  docs: 'https://kubernetes.io/docs/concepts/storage/projected-volumes/',
}

/** What is true of a finding with this code. */
export function adviceOn(code: string): Advice {
  return ADVICE.get(code) ?? UNKNOWN
}
