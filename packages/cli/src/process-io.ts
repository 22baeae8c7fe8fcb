import { systemClock } from '@projected-token/core'
import { EXIT } from './exit-codes.js'
import type { CliIo, Interruption, Output } from './io.js'
import { printable } from './printable.js'

/** One Ctrl-C may arrive twice: from the terminal, and from an npm that hands it on. */
const SAME_SIGNAL_MS = 1_000

/** The real process: its streams, its signals, its clock. */
export function createProcessIo(): { io: CliIo; dispose(): void } {
  const { signal, dispose } = listenForInterruptions()
  const output = (stream: NodeJS.WriteStream): Output => ({
    write(text) {
      if (signal.reason !== 'EPIPE') stream.write(text)
    },
    get isTTY() {
      return stream.isTTY === true
    },
    get columns() {
      return stream.isTTY && stream.columns > 0 ? stream.columns : undefined
    },
  })
  const stderr = output(process.stderr)
  tellWarnings(stderr)
  const { stdout } = process
  return { io: { stdout: output(stdout), stderr, env: process.env, clock: systemClock, signal }, dispose }
}

function listenForInterruptions(): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController()
  let abortedAtMs = 0
  const interrupt = (reason: Interruption) => {
    if (!controller.signal.aborted) {
      abortedAtMs = systemClock.monotonicNow()
      controller.abort(reason)
    } else if (reason !== 'EPIPE' && systemClock.monotonicNow() - abortedAtMs > SAME_SIGNAL_MS) {
      process.exit(EXIT[reason]) // asked twice: do not wait for the command to clean up
    }
  }
  const onInterrupt = () => interrupt('SIGINT')
  const onTerminate = () => interrupt('SIGTERM')
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onTerminate)
  // Both streams keep this listener: an error after the end must not become an uncaught exception.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => interrupt('EPIPE'))
  return {
    signal: controller.signal,
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
