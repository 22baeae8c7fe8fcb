import { useBuiltProgram } from '../../../../test/support/built-program.js'
import { type Child as Started, startProcess } from '../../../../test/support/child-process.js'
import { expectNoSecret } from './run-cli.js'

/** The bin, made from the sources. */
export const useBuiltCli = () =>
  useBuiltProgram({ folder: 'cli', entry: 'index.ts', bin: 'projected-token.js', dependencies: 'bundled' })

/** A process whose output is collected. */
export interface Child extends Omit<Started, 'toPrint'> {
  /** Waits until stdout holds the text; fails when the process ends without it. */
  toPrint(text: string | RegExp): Promise<void>
}

/** Starts a process without any colour setting of the surroundings; it does not outlive the test. */
export function start(command: string, args: string[], env: Record<string, string> = {}): Child {
  const { NO_COLOR, FORCE_COLOR, CI, ...inherited } = process.env
  const child = startProcess(command, args, { ...inherited, TERM: 'xterm', ...env })
  const end = child.end.then((result) => {
    expectNoSecret(child.stdout() + child.stderr())
    return result
  })
  const holds = (wanted: string | RegExp) => (stdout: string) =>
    (typeof wanted === 'string' ? stdout.includes(wanted) : wanted.test(stdout)) || undefined
  return {
    ...child,
    end,
    toPrint: async (wanted) => void (await child.toPrint(String(wanted), holds(wanted))),
  }
}
