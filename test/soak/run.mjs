/**
 * `npm run test:soak`: clients of every kind under load while faults come and go at random, each beside a perfect client.
 * README.md says what is measured and what the last run gave.
 */
import { parseArgs } from 'node:util'
import { removeTemporaryFolders } from '../check/support/temporary.mjs'
import { describeEnvironment, formatResult } from './support/report.mjs'
import { soak } from './support/soak.mjs'

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    'vault-stand-in': { type: 'boolean' },
    json: { type: 'boolean' },
  },
})

// So that folders are removed; the children end with this process.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

if (values.help) {
  console.log(`Usage: npm run test:soak -- [options]

  --minutes N       how long, from 0.5 @default 60
  --seed N          for the choice of faults; their moments differ all the same @default a random one
  --vault-stand-in  no real Vault, whose first build takes minutes and needs Go
  --json            prints the result as JSON in place of tables
  --help

Exits with 1 when a request was refused that a perfect client would not have been refused, when one broke without a fault
to explain it, when memory or handles grew, when a token went where it should not, or when something did not recover.`)
} else {
  process.exitCode = await main(Number(values.minutes), Number(values.seed))
}

async function main(minutes, seed) {
  if (!(minutes >= 0.5) || !Number.isInteger(seed)) {
    console.error('--minutes must be a number from 0.5, and --seed a whole number')
    return 2
  }
  try {
    const result = await soak({
      minutes,
      seed,
      standIn: values['vault-stand-in'] ?? false,
      progress: (text) => console.error(text),
    })
    const complete = { environment: describeEnvironment(), minutes, seed, ...result }
    console.log(values.json ? JSON.stringify(complete, null, 2) : formatResult(complete))
    return result.problems.length === 0 ? 0 : 1
  } finally {
    await removeTemporaryFolders()
  }
}
