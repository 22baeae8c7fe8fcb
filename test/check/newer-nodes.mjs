/** Runs the adapter's tests where undici 8 runs: the Node of the other tests may be too old for it. */
import path from 'node:path'
import { findNode } from './support/cached-install.mjs'
import { run } from './support/commands.mjs'
import { inParallel } from './support/in-parallel.mjs'
import { StageFailure } from './support/run-stages.mjs'
import { root } from './support/workspace.mjs'

const NODES = ['22', '24', '26']
const VITEST = path.join(root, 'node_modules/vitest/vitest.mjs')

export const newerNodes = {
  name: 'newer-nodes',
  about: `the tests of fetch, undici 8 included, on Node ${NODES.join(', ')}`,
  async run({ note, skip }) {
    const problems = await inParallel(NODES, 1, async (wanted) => {
      const { node, version, reason } = await findNode(wanted)
      if (!node) {
        skip(`Node ${wanted}: ${reason}`)
        return []
      }
      try {
        const output = await run(node, [VITEST, 'run', 'packages/fetch', '--reporter=dot'])
        note(`Node ${version}: ${/Tests\s+(.*)/.exec(output)?.[1] ?? 'no summary'}`)
        return []
      } catch (error) {
        return [`Node ${version}: ${error.message}`]
      }
    })
    if (problems.flat().length > 0) throw new StageFailure(problems.flat().join('\n'))
  },
}
