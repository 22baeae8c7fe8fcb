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
  const { signal, takeSignals, readerHasGone, dispose } = listenForInterruptions()
  let isLost = false
  const stderr = createOutput(process.stderr, readerHasGone)
  const stdout = createOutput(process.stdout, ({ code, message }) => {
    readerHasGone()
    // A reader that has gone has seen what it wanted; a full disk has not got what the command is said to have written.
    if (code === 'EPIPE' || isLost) return
    isLost = true
    // It may come after the command has ended.
    process.exitCode = Math.max(EXIT.bad, Number(process.exitCode ?? EXIT.ok))
    stderr.write(`error: The output could not be written: ${printable(message, 200)}\n`)
  })
  tellWarnings(stderr)
  const io = { stdout, stderr, env: process.env, clock: systemClock, signal, takeSignals }
  return { io, hasLostOutput: () => isLost, dispose }
}

/** @param onError hears of each failed write */
function createOutput(stream: NodeJS.WriteStream, onError: (error: NodeJS.ErrnoException) => void): Output {
  let hasReader = true
  // It stays: an error after the end must not become an uncaught exception.
  stream.on('error', (error) => {
    hasReader = false
    onError(error)
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

interface Interruptions extends Pick<CliIo, 'signal' | 'takeSignals'> {
  /** Of an output: interrupts as well, unless a command has taken the signals. */
  readerHasGone(): void
  dispose(): void
}

function listenForInterruptions(): Interruptions {
  const controller = new AbortController()
  let taker: ((signal: TakenSignal) => void) | undefined
  let abortedAtMs = 0
  const interrupt = (reason: Interruption) => {
    if (!controller.signal.aborted) {
      abortedAtMs = systemClock.monotonicNow()
      controller.abort(reason)
    } else if (reason !== 'EPIPE' && systemClock.monotonicNow() - abortedAtMs > SAME_SIGNAL_MS) {
      endAtOnce(reason) // asked twice: do not wait for the command to clean up
    }
  }
  const onInterrupt = () => (taker ? taker('SIGINT') : interrupt('SIGINT'))
  const onTerminate = () => (taker ? taker('SIGTERM') : interrupt('SIGTERM'))
  const onOther = (signal: NodeJS.Signals) => taker?.(signal as TakenSignal)
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onTerminate)
  return {
    signal: controller.signal,
    readerHasGone() {
      if (!taker) interrupt('EPIPE')
    },
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

/**
 * Ends the process, whatever it waits for: `exit()` alone waits for the threads that read files, and a file system
 * whose server is gone holds those. The signal itself holds nobody, and a shell makes the same exit code of it. What is
 * to be removed at the exit was told to hear of that earlier, and is removed by then. A process 1 has no such defence:
 * the kernel gives it no signal that it does not listen to, and it exits as well as it can.
 */
function endAtOnce(reason: 'SIGINT' | 'SIGTERM'): void {
  process.once('exit', () => {
    process.removeAllListeners(reason)
    process.kill(process.pid, reason)
  })
  process.exit(EXIT[reason])
}

/** Node would print warnings with a process id and whatever they hold. The library's own are in the commands' output. */
function tellWarnings(stderr: Output): void {
  process.removeAllListeners('warning')
  process.on('warning', (warning: Error & { code?: string }) => {
    if (warning.code?.startsWith('PROJECTED_TOKEN_')) return
    stderr.write(`warning: ${printable(warning.message, 500)}\n`)
  })
}
