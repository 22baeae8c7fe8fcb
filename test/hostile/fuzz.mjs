/** `npm run test:fuzz`: hostile input by the million. The targets, and what must hold for each, are in fuzz/. */
import { fork } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundle } from './fuzz/bundle.mjs'
import { formatRows, rateOf } from './fuzz/report.mjs'

const PROGRESS_TICKS = 10
/** Until there is a first sign of life, seconds may pass on a busy machine. */
const START_TICKS = 180

const HELP = `Usage: npm run test:fuzz -- [options]

  --cases N           cases in all, divided among the targets (default: 1000000)
  --seed S            the same cases again (default: a random one, which is printed)
  --only NAME[,NAME]  these targets only
  --batch SEED        one batch, as a failure names it; needs --only
  --no-memory         does not judge the heap; below 100000 cases it is not judged anyway
  --hang N            seconds without a finished case that are a hang, counted while this process runs
                      (default: 180)
  --list              the targets
  --help

Exits with 0 when nothing crashed, hung, leaked memory or reached a header that should not.`

const { values } = parseArgs({
  allowNegative: true,
  options: {
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    only: { type: 'string' },
    batch: { type: 'string' },
    memory: { type: 'boolean', default: true },
    hang: { type: 'string', default: '180' },
    list: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
})

if (values.help) console.log(HELP)
else process.exitCode = await main()

async function main() {
  const cases = Number(values.cases)
  const seed = Number(values.seed)
  const batch = values.batch === undefined ? undefined : Number(values.batch)
  if (![cases, seed, batch ?? 0].every(Number.isSafeInteger) || cases < 1) {
    console.error(`--cases, --seed and --batch take whole numbers\n\n${HELP}`)
    return 1
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), 'projected-token-fuzz-'))
  try {
    const source = fileURLToPath(new URL('fuzz/run-targets.ts', import.meta.url))
    const entry = await bundle(source, path.join(folder, 'dist/targets.mjs'))
    // What reads its version reads it here, one level above the program.
    await writeFile(path.join(folder, 'package.json'), '{"version":"0.0.0","type":"module"}')
    const memory = values.memory && cases >= 100_000
    const job = { cases, seed, batch, memory, list: values.list, only: values.only?.split(',') }
    if (!values.list) console.log(`seed ${seed}, ${cases} cases`)
    return await run(entry, folder, job)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The targets run in a process of their own: a crash or a hang of theirs is then seen, not shared. */
function run(entry, folder, job) {
  const scratch = path.join(folder, 'scratch')
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:PROJECTED_TOKEN|VAULT|BAO|NODE_OPTIONS)/.test(name)),
  )
  const child = fork(entry, [JSON.stringify({ ...job, scratch })], {
    env,
    execArgv: ['--expose-gc', '--no-warnings', '--enable-source-maps'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const stop = () => child.kill('SIGKILL')
  process.once('exit', stop)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  const hangTicks = Number(values.hang)
  const rows = []
  let where = 'the start'
  let input = '(repeat that batch to see it)'
  let state
  let quietTicks = 0
  let ticks = 0
  let failed = false
  let isDone = false
  const timer = setInterval(() => {
    ticks++
    if (++quietTicks === (state ? hangTicks : Math.max(START_TICKS, hangTicks))) {
      failed = true
      console.error(`HANG: no case has ended for ${quietTicks} s. Where: ${where}\nThe case: ${input}`)
      stop()
    } else if (state && ticks % PROGRESS_TICKS === 0) {
      console.log(`… ${state.target}: ${state.done} of ${state.cases}, ${rateOf(state)} cases/s`)
    }
  }, 1_000)
  child.on('message', (message) => {
    quietTicks = 0
    if (message.type === 'batch') where = `--only ${message.target} --batch ${message.seed}`
    if (message.type === 'progress') state = message
    if (message.type === 'batch') state ??= { target: message.target, done: 0, cases: job.cases, ms: 0 }
    if (message.type === 'done') {
      isDone = true
      if (message.failure) {
        failed = true
        console.error(`FAILED: ${message.failure}`)
      }
    }
    if (message.type === 'input') input = message.text
    if (message.type === 'list') console.log(message.text)
    if (message.type === 'target') {
      rows.push(message)
      console.log(
        `${message.failure ? 'FAILED' : 'ok'} ${message.target}: ${message.done} cases, ${rateOf(message)} cases/s`,
      )
      if (message.failure) console.log(`${message.failure}\nAgain: ${where} (--seed ${job.seed})`)
    }
  })
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      clearInterval(timer)
      process.off('exit', stop)
      if (code !== 0 || !isDone) {
        failed = true
        console.error(`CRASH: the targets' process ended with ${signal ?? code}. Where: ${where}`)
      }
      if (rows.length > 0) console.log(`\n${formatRows(rows)}`)
      resolve(failed || rows.some((row) => row.failure) ? 1 : 0)
    })
  })
}
