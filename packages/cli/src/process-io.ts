import { systemClock } from '@projected-token/core'
import { EXIT } from './exit-codes.js'
import type { CliIo, Interruption, Output, TakenSignal } from './io.js'
import { printable } from './printable.js'

/** One Ctrl-C may arrive twice: from the terminal, and from an npm that hands it on. */
const SAME_SIGNAL_MS = 1_000
/** All but SIGINT and SIGTERM, to which there is always a listener; without one these end the process. */
const OTHER_SIGNALS: readonly TakenSignal[] = ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']

/** The real process: its streams, its signals, its clock. */
export function createProcessIo(): { io: CliIo; hasLostOutput(): boolean; dispose(): void } {
  const { signal, takeSignals, dispose } = listenForInterruptions()
  const stderr = createOutput(process.stderr)
  const hasLostOutput = tellLostOutput(stderr)
  tellWarnings(stderr)
  const { env } = process
  const io = { stdout: createOutput(process.stdout), stderr, env, clock: systemClock, signal, takeSignals }
  return { io, hasLostOutput, dispose }
}

/** A reader that has gone has seen what it wanted; a full disk has not got what the command is said to have written. */
function tellLostOutput(stderr: Output): () => boolean {
  let isLost = false
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE' || isLost) return
    isLost = true
    // It may come after the command has ended.
    process.exitCode = EXIT.bad
    stderr.write(`error: The output could not be written: ${printable(message, 200)}\n`)
  })
  return () => isLost
}

function createOutput(stream: NodeJS.WriteStream): Output {
  let hasReader = true
  // It stays: an error after the end must not become an uncaught exception.
  stream.on('error', () => {
    hasReader = false
  })
  return {
    write(text) {
      if (hasReader) stream.write(text)
    },
    get isTTY() {
      return stream.isTTY === true
    },
    get columns() {
      return stream.isTTY && stream.columns > 0 ? stream.columns : undefined
    },
  }
}

function listenForInterruptions(): Pick<CliIo, 'signal' | 'takeSignals'> & { dispose(): void } {
  const controller = new AbortController()
  let taker: ((signal: TakenSignal) => void) | undefined
  let abortedAtMs = 0
  const interrupt = (reason: Interruption) => {
    if (!controller.signal.aborted) {
      abortedAtMs = systemClock.monotonicNow()
      controller.abort(reason)
    } else if (reason !== 'EPIPE' && systemClock.monotonicNow() - abortedAtMs > SAME_SIGNAL_MS) {
      process.exit(EXIT[reason]) // asked twice: do not wait for the command to clean up
    }
  }
  const onInterrupt = () => (taker ? taker('SIGINT') : interrupt('SIGINT'))
  const onTerminate = () => (taker ? taker('SIGTERM') : interrupt('SIGTERM'))
  const onOther = (signal: NodeJS.Signals) => taker?.(signal as TakenSignal)
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onTerminate)
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      if (!taker) interrupt('EPIPE')
    })
  }
  return {
    signal: controller.signal,
    takeSignals(listener) {
      taker = listener
      for (const name of OTHER_SIGNALS) process.on(name, onOther)
      return () => {
        taker = undefined
        for (const name of OTHER_SIGNALS) process.removeListener(name, onOther)
      }
    },
    dispose() {
      process.removeListener('SIGINT', onInterrupt)
      process.removeListener('SIGTERM', onTerminate)
    },
  }
}

/** Node would print warnings with a process id and whatever they hold. The library's own are in the commands' output. */
function tellWarnings(stderr: Output): void {
  process.removeAllListeners('warning')
  process.on('warning', (warning: Error & { code?: string }) => {
    if (warning.code?.startsWith('PROJECTED_TOKEN_')) return
    stderr.write(`warning: ${printable(warning.message, 500)}\n`)
  })
}
