import { checkChoice, checkNames, checkNumber, checkType } from './check-options.js'
import { failureSentences } from './contract-failure.js'
import { invalidateSentences } from './contract-invalidate.js'
import { secretSentences } from './contract-secrets.js'
import {
  type Capability,
  completeSubject,
  limitedGetToken,
  type Sentence,
  type TokenProviderSubject,
} from './contract-subject.js'
import { tokenSentences } from './contract-token.js'

/** The two functions of a test runner: `node:test`, vitest, jest and mocha have them. */
export interface ContractRunner {
  /** Groups the sentences. */
  describe(name: string, body: () => void): unknown
  /** Registers one sentence. */
  it(name: string, body: () => Promise<void>): unknown
}

/** Options of {@link describeTokenProviderContract}. */
export interface TokenProviderContractOptions {
  /**
   * What the subjects cannot do. Sentences that need it are not registered; any other missing capability fails its
   * sentences. @default none
   */
  without?: Capability[] | undefined
  /** Real milliseconds that one `getToken()`, or a recovery, may take: 1 to 600,000. @default 5_000 */
  limitMs?: number | undefined
}

/**
 * Registers a test for every promise of the `TokenProvider` interface, each on a subject of its own, which is closed
 * in the end. It works for every provider: a watched file, a login, a fake.
 *
 * @param name what the group of tests is called
 * @param factory makes a provider whose source has a valid token
 * @throws TypeError or RangeError for a bad argument.
 */
export function describeTokenProviderContract(
  runner: ContractRunner,
  name: string,
  factory: () => Promise<TokenProviderSubject>,
  options: TokenProviderContractOptions = {},
): void {
  checkNames('describeTokenProviderContract()', options, ['without', 'limitMs'])
  const { without = [], limitMs = 5_000 } = options
  checkType('describe', runner?.describe, 'function')
  checkType('it', runner?.it, 'function')
  checkType('name', name, 'string')
  checkType('factory', factory, 'function')
  checkNumber('limitMs', limitMs, { min: 1, max: 600_000, unit: 'milliseconds' })
  for (const capability of without) checkChoice('without', capability, ['rotate', 'fail', 'expire', 'looks'])

  const run = async ({ needs = [], check }: Sentence) => {
    const subject = await factory()
    try {
      await check(completeSubject(subject, needs), limitedGetToken(subject.provider, limitMs), limitMs)
    } finally {
      await subject.close()
    }
  }
  const sentences = [...tokenSentences, ...invalidateSentences, ...failureSentences, ...secretSentences]
  runner.describe(name, () => {
    for (const sentence of sentences) {
      if (sentence.needs?.some((capability) => without.includes(capability))) continue
      runner.it(sentence.name, () => run(sentence))
    }
  })
}
