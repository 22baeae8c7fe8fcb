import { useBuiltProgram } from '../../../../test/support/built-program.js'
import { type Child as Started, startProcess } from '../../../../test/support/child-process.js'

/** The bin, made from the sources. */
export const useBuiltSidecar = () =>
  useBuiltProgram({
    folder: 'sidecar',
    entry: 'main.ts',
    bin: 'projected-token-sidecar.js',
    dependencies: 'linked',
  })

/** A process whose output is collected, and whose log is read. */
export interface Child extends Started {
  /** The first log line with this message, when there is one. */
  logLine(message: string): Promise<Record<string, unknown>>
}

/** Starts a process of Node without the settings of the surroundings; it does not outlive the test. */
export function startChild(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  nodeFlags: readonly string[] = [],
): Child {
  const own = Object.entries(process.env).filter(([name]) => !/^(?:PROJECTED_TOKEN|VAULT|BAO)_/.test(name))
  const child = startProcess(process.execPath, [...nodeFlags, ...args], {
    ...Object.fromEntries(own),
    ...env,
  })
  const find = (message: string) => (stdout: string) =>
    stdout
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map((line): Record<string, unknown> => JSON.parse(line))
      .find(({ msg }) => msg === message)
  return { ...child, logLine: (message) => child.toPrint(`'${message}'`, find(message)) }
}
