import { type Clock, systemClock } from '@projected-token/core'
import { expect } from 'vitest'
import type { CliIo, Interruption, TakenSignal } from '../../src/io.js'
import { run } from '../../src/run.js'

export interface RunOptions {
  env?: Record<string, string>
  /** Whether both outputs are a terminal of 100 columns. @default false */
  tty?: boolean
  clock?: Clock
}

/** A command that may still run, in this process. */
export interface CliRun {
  readonly exitCode: Promise<number>
  stdout(): string
  stderr(): string
  /** Waits until what was written to stdout holds the text; fails with what is there when the command ends first. */
  toPrint(text: string | RegExp): Promise<void>
  /** Waits for stderr in the same way. */
  toTell(text: string | RegExp): Promise<void>
  interrupt(reason: Interruption): void
  /** Sends a signal to a command that has taken signals; fails when it has not. */
  signal(name: TakenSignal): void
}

/** What no output may hold: registered by the tests that write it to files. */
const secrets = new Set<string>()

/** Registers a secret for {@link startCli} to watch out for. @returns the secret */
export function secret(token: string): string {
  secrets.add(token)
  return token
}

/** Fails when text holds a registered secret, or the signature that makes it one. */
export function expectNoSecret(text: string): void {
  for (const token of secrets) {
    const signature = token.split('.')[2] || token
    if (text.includes(token) || text.includes(signature)) expect.fail('a secret was printed')
  }
}

export function startCli(
  argv: string[],
  { env = {}, tty = false, clock = systemClock }: RunOptions = {},
): CliRun {
  const controller = new AbortController()
  const written = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  const onWrite = () => {
    for (const listener of [...listeners]) listener()
  }
  let taker: ((signal: TakenSignal) => void) | undefined
  const takeSignals: CliIo['takeSignals'] = (listener) => {
    taker = listener
    return () => {
      taker = undefined
    }
  }
  const output = (name: keyof typeof written) => ({
    isTTY: tty,
    columns: tty ? 100 : undefined,
    write(text: string) {
      written[name] += text
      onWrite()
    },
  })
  const { signal } = controller
  const io = { stdout: output('stdout'), stderr: output('stderr'), env, clock, signal, takeSignals }
  let ended = false
  const exitCode = run(argv, io).then((code) => {
    ended = true
    onWrite()
    expectNoSecret(written.stdout + written.stderr)
    return code
  })
  const toHold = (name: keyof typeof written, text: string | RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        const found = typeof text === 'string' ? written[name].includes(text) : text.test(written[name])
        if (!found && !ended) return
        listeners.delete(look)
        if (found) return resolve()
        reject(new Error(`ended without printing ${text}:\n${written.stdout}${written.stderr}`))
      }
      listeners.add(look)
      look()
    })
  return {
    exitCode,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    toPrint: (text) => toHold('stdout', text),
    toTell: (text) => toHold('stderr', text),
    interrupt: (reason) => controller.abort(reason),
    signal(name) {
      if (!taker) throw new Error(`nobody has taken ${name}`)
      taker(name)
    },
  }
}

/** Runs a command to its end. */
export async function runCli(argv: string[], options?: RunOptions) {
  const cli = startCli(argv, options)
  const exitCode = await cli.exitCode
  return { exitCode, stdout: cli.stdout(), stderr: cli.stderr() }
}

/** Runs a command with `--json`, to its end. */
export async function runJson(argv: string[], options?: RunOptions) {
  const { exitCode, stdout, stderr } = await runCli([...argv, '--json'], options)
  return { exitCode, stderr, json: JSON.parse(stdout) }
}
