import { type ChildProcess, spawn } from 'node:child_process'
import { Readable } from 'node:stream'
import type { Clock } from '@projected-token/core'
import { createHookOutput } from './hook-output.js'

/** How a command ended. */
export interface CommandEnd {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** Why it could not be started: `ENOENT`, … */
  readonly startFailure?: string | undefined
  readonly isTimedOut: boolean
  /** The beginning of stdout and stderr, in the order of arrival. */
  output(secrets: readonly string[]): string
}

/** A command under way. */
export interface RunningCommand {
  /** Never rejects. */
  readonly end: Promise<CommandEnd>
  /** Ends it: asks first, and kills it when that does not help. */
  stop(): void
}

/** Between SIGTERM and SIGKILL. */
const KILL_GRACE_MS = 2_000
/** A child of the command may keep its output open after its end: nobody waits for that. */
const OUTPUT_GRACE_MS = 500

/**
 * Starts a program without a shell and without input, in a process group of its own: when it takes too long, what it
 * started gets the same signals.
 */
export function runCommand(
  [command = '', ...args]: readonly string[],
  env: Record<string, string>,
  timeoutMs: number,
  clock: Clock,
): RunningCommand {
  const output = createHookOutput()
  const failed = (code: string | undefined): CommandEnd => ({
    exitCode: null,
    signal: null,
    startFailure: code ?? 'UNKNOWN',
    isTimedOut: false,
    output: output.text,
  })
  let child: ChildProcess
  try {
    child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  } catch (error) {
    return { end: Promise.resolve(failed((error as NodeJS.ErrnoException).code)), stop() {} }
  }
  const timers = new Set<() => void>()
  const after = (delayMs: number, callback: () => void) =>
    timers.add(clock.setTimer(callback, delayMs, { keepAlive: true }))
  let isTimedOut = false
  let isOver = false
  const stop = () => {
    if (isOver) return
    signalGroup(child, 'SIGTERM')
    after(KILL_GRACE_MS, () => signalGroup(child, 'SIGKILL'))
  }
  // Without a free file descriptor there is no stream, and an error follows.
  const streams = [child.stdout, child.stderr].filter(
    (stream): stream is Readable => stream instanceof Readable,
  )
  for (const stream of streams) stream.on('data', output.add)
  killAtExit(child)

  const end = new Promise<CommandEnd>((resolve) => {
    const settle = (result: CommandEnd) => {
      forgetAtExit(child)
      for (const cancel of timers) cancel()
      for (const stream of streams) stream.destroy()
      resolve(result)
    }
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) settle(failed(error.code))
    })
    child.once('exit', (exitCode, signal) => {
      isOver = true
      const done = () => settle({ exitCode, signal, isTimedOut, output: output.text })
      child.once('close', done)
      after(OUTPUT_GRACE_MS, done)
    })
  })
  after(timeoutMs, () => {
    isTimedOut = !isOver
    stop()
  })
  return { end, stop }
}

const running = new Set<ChildProcess>()

/**
 * In a group of its own it would outlive this process, which a second signal or too short a time to stop may end.
 *
 * SIGKILL leaves no time for it, and Linux' own means (PR_SET_PDEATHSIG) has to be asked for between fork and exec, where
 * Node lets nobody in. There the container does it: with process 1 the kernel kills all others of its namespace
 * (pid_namespaces(7)), and in a shared one the runtime kills all of the container's cgroup.
 */
function killAtExit(child: ChildProcess): void {
  if (running.size === 0) process.on('exit', killAll)
  running.add(child)
}

function forgetAtExit(child: ChildProcess): void {
  running.delete(child)
  if (running.size === 0) process.off('exit', killAll)
}

function killAll(): void {
  for (const child of running) signalGroup(child, 'SIGKILL')
}

/** By the number of this child: of its group, which has its number. */
function signalGroup({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  // Once it has been waited for, its number may be another's.
  if (pid === undefined || exitCode !== null || signalCode !== null) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It has just ended.
  }
}
