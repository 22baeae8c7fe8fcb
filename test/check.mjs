/** `npm run check`: everything about the packages that is not a test. The stages are the files of test/check/. */
import { parseArgs } from 'node:util'
import { apiReference } from './check/api-reference.mjs'
import { apiReport } from './check/api-report.mjs'
import { architecture } from './check/architecture.mjs'
import { build } from './check/build.mjs'
import { consumer } from './check/consumer.mjs'
import { consumerTypes } from './check/consumer-types.mjs'
import { lint } from './check/lint.mjs'
import { newerNodes } from './check/newer-nodes.mjs'
import { packaging } from './check/packaging.mjs'
import { runStages } from './check/support/run-stages.mjs'
import { types } from './check/types.mjs'

const stages = [
  types,
  lint,
  architecture,
  build,
  apiReport,
  apiReference,
  packaging,
  consumer,
  consumerTypes,
  newerNodes,
]
const names = stages.map((stage) => stage.name)
const list = stages.map((stage) => `  ${stage.name.padEnd(14)} ${stage.about}`).join('\n')

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    list: { type: 'boolean' },
    only: { type: 'string', multiple: true },
    'update-api': { type: 'boolean' },
  },
})

if (values.help) {
  console.log(`Usage: npm run check -- [options]

  --only STAGE[,STAGE]  these stages, and those they need
  --update-api          rewrite the committed API reports (packages/*/etc) instead of comparing with them
  --list                name the stages
  --help

Other versions of Node and TypeScript are installed from the npm registry into
\${PROJECTED_TOKEN_CACHE:-\${XDG_CACHE_HOME:-~/.cache}/projected-token}, once.

Stages:
${list}`)
} else if (values.list) {
  console.log(list)
} else {
  const only = values.only?.flatMap((value) => value.split(',')) ?? names
  const unknown = only.filter((name) => !names.includes(name))
  if (unknown.length > 0) {
    console.error(`There is no stage '${unknown[0]}'. Stages: ${names.join(', ')}`)
    process.exitCode = 2
  } else {
    const ok = await runStages(stages, only, { updateApi: values['update-api'] ?? false })
    process.exitCode = ok ? 0 : 1
  }
}
