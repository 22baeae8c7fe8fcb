/** Runs stages in order, times them, and says at the end what came out. */
import { appendFile } from 'node:fs/promises'
import { removeTemporaryFolders } from './temporary.mjs'

/** Thrown by a stage: the message is all there is to say, so no stack is printed. */
export class StageFailure extends Error {}

/**
 * A stage is { name, about, needs?, run({ note, skip, updateApi }) }. `run` throws when the stage fails; `note` adds
 * to the closing table; `skip` reports a part that could not be checked here, which counts as skipped.
 *
 * @returns whether nothing failed
 */
export async function runStages(stages, only, options) {
  const selected = withNeeds(stages, only)
  const results = []
  for (const stage of selected) {
    console.log(`\n== ${stage.name}: ${stage.about}`)
    const missing = stage.needs?.find(
      (name) => results.find((each) => each.name === name)?.outcome !== 'passed',
    )
    const result = missing
      ? {
          name: stage.name,
          outcome: 'skipped',
          seconds: 0,
          notes: [`needs ${missing}`],
          skips: [],
          failures: [],
        }
      : await runStage(stage, options)
    results.push(result)
    console.log(
      missing ? `   skipped: needs ${missing}` : `   ${result.outcome} in ${result.seconds.toFixed(1)} s`,
    )
  }
  await removeTemporaryFolders()
  return report(results)
}

function withNeeds(stages, only) {
  const names = new Set(only)
  for (const stage of [...stages].reverse()) {
    if (names.has(stage.name)) for (const need of stage.needs ?? []) names.add(need)
  }
  return stages.filter((stage) => names.has(stage.name))
}

async function runStage(stage, options) {
  const notes = []
  const skips = []
  const failures = []
  const startedAtMs = performance.now()
  const finish = (outcome) => {
    const seconds = (performance.now() - startedAtMs) / 1000
    return { name: stage.name, outcome, seconds, notes, skips, failures }
  }
  const note = (text) => {
    notes.push(text)
    console.log(`   ${text}`)
  }
  const skip = (reason) => {
    skips.push(reason)
    console.log(`   skipped: ${reason}`)
  }
  try {
    await stage.run({ note, skip, ...options })
    return finish('passed')
  } catch (error) {
    const reason = error instanceof StageFailure ? error.message : (error?.stack ?? String(error))
    console.log(indent(reason))
    failures.push(`${stage.name}\n${reason}`)
    return finish('failed')
  }
}

async function report(results) {
  console.log('\nstage          outcome   seconds')
  for (const { name, outcome, seconds, notes, skips } of results) {
    console.log(`${name.padEnd(14)} ${outcome.padEnd(9)} ${seconds.toFixed(1).padStart(7)}`)
    for (const text of [...notes, ...skips.map((reason) => `skipped: ${reason}`)]) console.log(`    ${text}`)
  }
  const count = (outcome) => results.filter((each) => each.outcome === outcome).length
  const [passed, failed] = [count('passed'), count('failed')]
  const skipped = count('skipped') + results.reduce((sum, each) => sum + each.skips.length, 0)
  console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`)
  const file = process.env.PROJECTED_TOKEN_RESULTS
  const counts = {
    suite: 'check',
    passed,
    failed,
    skipped,
    failures: results.flatMap((each) => each.failures),
  }
  if (file) await appendFile(file, `${JSON.stringify(counts)}\n`)
  return failed === 0
}

const indent = (text) => text.replaceAll(/^/gm, '   ')
