import { type Command, InvalidArgumentError, Option } from 'commander'
import { colorsFor, isLiveTerminal } from '../colors.js'
import type { DemoReport } from '../demo/demo-report.js'
import { renderIntroduction, renderLive, renderRotation, renderSummary } from '../demo/render-demo.js'
import { type DemoRequest, runDemo, tokenLifeMs } from '../demo/run-demo.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { createLiveArea } from '../live-area.js'
import { addJson, durationFrom } from '../options.js'
import { printableJson } from '../printable.js'

interface DemoOptions {
  duration: number
  rotateEvery: number
  naive: boolean
  json?: true
}

const HELP = `
Examples:
  $ projected-token demo
      20 seconds, a new token every 2
  $ projected-token demo --duration 1m --rotate-every 5s
  $ projected-token demo --json | jq '{rotations, requests, refused}'

Exit codes: 0 every request was accepted, 1 one was refused or had no token, or nothing happened, 2 usage,
130 on Ctrl-C, 143 on SIGTERM.`

const parseRotation = durationFrom(500, 600_000, 'a duration from 500ms to 10m')
const parseLength = durationFrom(1_000, 3_600_000, 'a duration from 1s to 1h')

/** `demo`: rotation under load, before your eyes. */
export function registerDemo(program: Command, io: CliIo, finish: (exitCode: number) => void): void {
  const command = program
    .command('demo')
    .summary('show rotation under load, in a few seconds')
    .description(
      'Rotates short-lived tokens under clients at full speed and counts the requests that are refused.',
    )
    .addOption(new Option('--duration <duration>', 'how long').argParser(parseLength).default(20_000, '20s'))
    .addOption(
      new Option('--rotate-every <duration>', 'how often the token is replaced')
        .argParser(parseRotation)
        .default(2_000, '2s'),
    )
    .option('--no-naive', 'without the client that reads the token once, for contrast')
  addJson(command, 'print the result alone, as one JSON object')
    .addHelpText('after', HELP)
    .action(async ({ duration: durationMs, rotateEvery: rotateEveryMs, naive, json }: DemoOptions) => {
      if (rotateEveryMs >= durationMs) {
        throw new InvalidArgumentError(
          '--rotate-every must be shorter than --duration, else nothing rotates.',
        )
      }
      const report = await show({ durationMs, rotateEveryMs, naive }, json === true, io)
      finish(io.signal.aborted ? exitCodeOf(io.signal) : report.ok ? EXIT.ok : EXIT.bad)
    })
}

/** Shows the demo in the way that stdout can take. */
async function show(request: DemoRequest, json: boolean, io: CliIo): Promise<DemoReport> {
  const { stdout, env, clock } = io
  if (json) {
    const report = await runDemo(request, io, { onTick() {}, onRotation() {} })
    stdout.write(`${printableJson(report, 2)}\n`)
    return report
  }
  const colors = colorsFor(stdout, env)
  stdout.write(renderIntroduction(request.rotateEveryMs, tokenLifeMs(request.rotateEveryMs), colors))
  const area = isLiveTerminal(stdout, env) ? createLiveArea(stdout) : undefined
  try {
    const report = await runDemo(request, io, {
      onTick: (snapshot) => area?.draw(renderLive(snapshot, clock.now(), colors)),
      onRotation(snapshot, latencyMs) {
        if (!area) stdout.write(renderRotation(snapshot, latencyMs))
      },
    })
    area?.end()
    stdout.write(renderSummary(report, colors))
    return report
  } finally {
    area?.end()
  }
}
