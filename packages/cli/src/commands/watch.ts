import type { TokenWatcherStatus } from '@projected-token/core'
import { type Command, Option } from 'commander'
import { colorsFor, isLiveTerminal } from '../colors.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import type { CliIo } from '../io.js'
import { createLiveArea } from '../live-area.js'
import {
  addExpectations,
  addJson,
  addTokenPath,
  durationFrom,
  type ExpectationOptions,
  parseCount,
  parseDuration,
} from '../options.js'
import { printableJson } from '../printable.js'
import { renderCountdown, renderEvent } from '../watch/render-event.js'

import { type WatchObserver, type WatchOutcome, watchToken } from '../watch/watch-token.js'

interface WatchOptions extends ExpectationOptions {
  reloadInterval?: number
  watch: boolean
  untilRotations?: number
  timeout?: number
  json?: true
}

const HELP = `
Examples:
  $ projected-token watch
      the pod's own token; on a terminal with a countdown
  $ projected-token watch /var/run/secrets/tokens/vault-token --audience vault --json | jq -r .event
      one JSON object a line
  $ projected-token watch ./token --until-rotations 1 --timeout 2h
      does it rotate within two hours? (exit code)

Exit codes: 0 ended by --until-rotations or --timeout with a valid token, 1 ended without one or without the
rotations, 2 usage, 130 on Ctrl-C, 143 on SIGTERM.`

const parseInterval = durationFrom(1_000, 1e12, 'a duration from 1s')

/** `watch`: what happens to a token file, as it happens. */
export function registerWatch(program: Command, io: CliIo, finish: (exitCode: number) => void): void {
  const command = program
    .command('watch')
    .summary('tell what happens to a token file, as it happens')
    .description(
      'Watches a token file as the library does, and tells each event in a line. Waits for a missing file.',
    )
  addJson(addExpectations(addTokenPath(command)), 'print one JSON object per line')
    .addOption(
      new Option('--reload-interval <duration>', 'longest time between two reads (default: 5m)').argParser(
        parseInterval,
      ),
    )
    .option('--no-watch', 'only read from time to time, as on a file system without events')
    .option('--until-rotations <count>', 'end after so many rotations', parseCount)
    .option('--timeout <duration>', 'end after so long', parseDuration)
    .addHelpText('after', HELP)
    .action(async (path: string, options: WatchOptions) => {
      const { audience, issuer, subject, untilRotations } = options
      const expectations = { audience, issuer, subject }
      const watcher = {
        path,
        ...expectations,
        watch: options.watch,
        reloadIntervalMs: options.reloadInterval,
      }
      const request = { watcher, untilRotations, timeoutMs: options.timeout }
      const outcome = await observe(options, io, (observer) => watchToken(request, io, observer))
      finish(exitCodeFor(outcome, untilRotations, io))
    })
}

/** Shows what happens in the way that stdout can take. */
async function observe<T>(
  options: WatchOptions,
  { stdout, env, clock }: CliIo,
  watch: (observer: WatchObserver) => Promise<T>,
): Promise<T> {
  if (options.json) return watch({ onEvent: (event) => stdout.write(`${printableJson(event)}\n`) })
  const colors = colorsFor(stdout, env)
  if (!isLiveTerminal(stdout, env))
    return watch({ onEvent: (event) => stdout.write(renderEvent(event, colors)) })
  const area = createLiveArea(stdout)
  const draw = (status: TokenWatcherStatus) => area.draw([renderCountdown(status, clock.now(), colors)])
  try {
    return await watch({
      onEvent(event) {
        area.print(renderEvent(event, colors))
        draw(event.status)
      },
      onTick: draw,
    })
  } finally {
    area.end()
  }
}

function exitCodeFor(
  { reason, status }: WatchOutcome,
  untilRotations: number | undefined,
  io: CliIo,
): number {
  if (reason !== 'rotations' && reason !== 'timeout') return exitCodeOf(io.signal)
  const isEnough = status.rotations >= (untilRotations ?? 0)
  return isEnough && status.state === 'valid' ? EXIT.ok : EXIT.bad
}
