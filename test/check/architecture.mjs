import { checkArchitecture } from '../architecture/check-architecture.mjs'
import { StageFailure } from './support/run-stages.mjs'
import { root } from './support/workspace.mjs'

/** The same judgement that `npm test` asserts; here with its warnings. */
export const architecture = {
  name: 'architecture',
  about: 'arrows between packages, cycles, orphans, one file for each outside concern',
  async run({ note }) {
    const { violations, warnings } = await checkArchitecture(root)
    for (const { rule, where, message } of warnings) note(`warning: ${rule}: ${where}: ${message}`)
    if (violations.length === 0) return
    throw new StageFailure(violations.map((each) => `${each.rule}: ${each.where} ${each.message}`).join('\n'))
  },
}
