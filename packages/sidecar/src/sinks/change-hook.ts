import type { Clock } from '@projected-token/core'
import type { FastifyBaseLogger } from 'fastify'
import { hookEnvironment } from './hook-environment.js'
import { type CommandEnd, type RunningCommand, runCommand } from './run-command.js'
import { signalProcess } from './signal-process.js'
import type { ChangeHook, CommandHook, SignalHook } from './sink-spec.js'

/** Tells somebody that a file has changed. */
export interface HookRunner {
  /** Never two at a time: changes during a run cause one more, afterwards. */
  tell(secret: string): void
  /** Lets a run under way end within its grace, and no other begin. */
  close(): Promise<void>
}

/** A reload of a large nginx takes seconds; a hook that hangs must not hold back the next change for long. */
const DEFAULT_TIMEOUT_MS = 30_000
/** Well within the time that Kubernetes gives a pod to end, with what else there is to end. */
const CLOSE_GRACE_MS = 5_000

/** @param path of the sink */
export function createChangeHook(
  hook: ChangeHook,
  path: string,
  { clock, log }: { clock: Clock; log: FastifyBaseLogger },
): HookRunner {
  let running: Promise<void> | undefined
  let command: RunningCommand | undefined
  /** The latest token not told yet. */
  let waiting: string | undefined
  let isClosed = false

  async function runAll(): Promise<void> {
    while (waiting !== undefined && !isClosed) {
      const secret = waiting
      waiting = undefined
      await ('command' in hook ? runOne(hook, secret) : signalOne(hook))
    }
    running = undefined
  }

  async function runOne({ command: argv, timeoutMs = DEFAULT_TIMEOUT_MS }: CommandHook, secret: string) {
    const startMs = clock.monotonicNow()
    command = runCommand(argv, hookEnvironment(process.env, path, secret), timeoutMs, clock)
    const end = await command.end
    command = undefined
    const { exitCode, signal } = end
    const facts = {
      sink: path,
      command: argv[0],
      exitCode,
      signal,
      durationMs: Math.round(clock.monotonicNow() - startMs),
      // The file may hold a later token by now, of which a command that it tells may print the content.
      output: end.output([secret, waiting ?? '']),
    }
    const problem = problemOf(end, argv[0], timeoutMs)
    if (problem === undefined) log.info(facts, 'The command after a change of the sink has run')
    else log.error(facts, `The command after a change of the sink ${problem}; the next change runs it again`)
  }

  async function signalOne(signalHook: SignalHook) {
    const facts = { sink: path, signal: signalHook.signal, pidFile: signalHook.pidFile }
    try {
      const pid = await signalProcess(signalHook)
      log.info({ ...facts, pid }, 'The process that reads the sink has been signalled')
    } catch (error) {
      log.error(facts, `${(error as Error).message} The next change tries it again.`)
    }
  }

  return {
    tell(secret) {
      if (isClosed) return
      waiting = secret
      running ??= runAll()
    },
    async close() {
      isClosed = true
      const cancel = clock.setTimer(() => command?.stop(), CLOSE_GRACE_MS, { keepAlive: true })
      await running
      cancel()
    },
  }
}

/** What went wrong; `undefined`: nothing. Pure. */
function problemOf(end: CommandEnd, name: string | undefined, timeoutMs: number): string | undefined {
  if (end.startFailure === 'ENOENT') {
    return `could not be started: there is no '${name}' in this container's PATH (ENOENT)`
  }
  if (end.startFailure !== undefined) return `could not be started: ${end.startFailure}`
  if (end.isTimedOut) return `did not end within ${timeoutMs} ms and was ended`
  if (end.signal !== null) return `was ended by ${end.signal}`
  return end.exitCode === 0 ? undefined : `failed with exit code ${end.exitCode}`
}
