import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { EXIT } from '../exit-codes.js'

/** A running child, or one that could not be started. */
export interface Child {
  readonly pid: number | undefined
  /** Never rejects. */
  readonly end: Promise<ChildEnd>
  kill(signal: NodeJS.Signals): void
}

export interface ChildEnd {
  /** The child's own, 128 and the signal's number, or that of a command which could not be started. */
  readonly exitCode: number
  readonly signal?: string
  /** Why it could not be started: `ENOENT`, … */
  readonly error?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Starts a program with this process' own terminal, input and outputs; in its process group. */
export function startChild([command = '', ...args]: readonly string[], env: Environment): Child {
  return follow(() => spawn(command, args, { env, stdio: 'inherit' }))
}

/** Starts a line of the shell, which gets no input. */
export function startShell(line: string, env: Environment): Child {
  return follow(() => spawn(line, { env, shell: true, stdio: ['ignore', 'inherit', 'inherit'] }))
}

function follow(start: () => ChildProcess): Child {
  let child: ChildProcess
  try {
    child = start()
  } catch (error) {
    return { pid: undefined, end: Promise.resolve(notStarted(error as NodeJS.ErrnoException)), kill() {} }
  }
  const end = new Promise<ChildEnd>((resolve) => {
    child.once('error', (error) => {
      // Also a failed kill, which changes nothing.
      if (child.pid === undefined) resolve(notStarted(error))
    })
    child.once('exit', (code, signal) => {
      // Of a signal that it has no name for (a real-time one) Node tells nothing: it is as if the code were 0.
      resolve(
        signal === null ? { exitCode: code ?? 0 } : { exitCode: 128 + constants.signals[signal], signal },
      )
    })
  })
  return { pid: child.pid, end, kill: (signal) => void child.kill(signal) }
}

function notStarted({ code = 'UNKNOWN' }: NodeJS.ErrnoException): ChildEnd {
  const exitCode = { ENOENT: EXIT.notFound, EACCES: EXIT.notExecutable }[code] ?? EXIT.notStarted
  return { exitCode, error: code }
}
