import { systemClock } from '@projected-token/core'
import { ConfigError } from './config/problem.js'
import { EXIT } from './exit-codes.js'
import { createLog, type Log } from './log/create-log.js'
import { prepare, tellProblems } from './program.js'
import { startSidecar } from './sidecar.js'

/** How long after a signal the same one counts as a second: a terminal and an npm may both hand one on. */
const SAME_SIGNAL_MS = 500

/** The program: runs this process' command line, until a signal stops it. */
export async function main(): Promise<void> {
  // A reader that has gone must not end a process that others need.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  let log = createLog()
  const signals = listenForSignals(() => log)
  exitOnBugs(() => log)
  const io = {
    env: process.env,
    columns: process.stdout.columns || 100,
    stdout: (text: string) => void process.stdout.write(text),
    stderr: (text: string) => void process.stderr.write(text),
  }
  const prepared = await prepare(process.argv.slice(2), io)
  if ('exitCode' in prepared) {
    signals.dispose()
    process.exitCode = prepared.exitCode
    return
  }
  const { config } = prepared
  log = createLog({ level: config.logLevel })
  let exitCode: number = EXIT.failed
  try {
    const sidecar = await startSidecar(config, { log })
    const signal = await signals.stopped
    log.logger.info({ signal }, 'stopping')
    const { isDrained } = await sidecar.close()
    if (isDrained) log.logger.info('stopped')
    else
      log.logger.error(
        { timeoutMs: config.shutdownTimeoutMs },
        'stopped, but not all had ended: time was over',
      )
    exitCode = isDrained ? EXIT.ok : EXIT.failed
  } catch (error) {
    if (error instanceof ConfigError) {
      tellProblems(error.problems, io)
      exitCode = EXIT.usage
    } else log.logger.fatal({ err: error }, 'cannot run')
  }
  // What a part has left running must not hold a process that is over.
  process.exit(exitCode)
}

/** As process 1 of a container it gets no signal that it has no listener for. */
function listenForSignals(log: () => Log) {
  let stop = (_signal: string) => {}
  const stopped = new Promise<string>((resolve) => {
    stop = resolve
  })
  let firstAtMs: number | undefined
  const onStop = (signal: 'SIGTERM' | 'SIGINT') => {
    const nowMs = systemClock.monotonicNow()
    firstAtMs ??= nowMs
    if (nowMs - firstAtMs > SAME_SIGNAL_MS) {
      log().logger.error({ signal }, 'ended by a second signal')
      process.exit(EXIT[signal])
    }
    stop(signal)
  }
  const onHangUp = () =>
    log().logger.info({ signal: 'SIGHUP' }, 'ignored: to change the configuration, restart')
  process.on('SIGTERM', onStop).on('SIGINT', onStop).on('SIGHUP', onHangUp)
  return {
    stopped,
    dispose() {
      process.off('SIGTERM', onStop).off('SIGINT', onStop).off('SIGHUP', onHangUp)
    },
  }
}

function exitOnBugs(log: () => Log): void {
  // Rejections that nobody handles come here too.
  process.on('uncaughtException', (error) => {
    log().logger.fatal({ err: error }, 'ended by a bug')
    process.exit(EXIT.internal)
  })
  // Node would print warnings as they are, with whatever they hold.
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message }) => log().logger.warn({ warning: name }, message))
}
