import { type Command, CommanderError } from 'commander'
import { createCommand, type Flags, NAME } from './command-line/create-command.js'
import { loadConfig } from './command-line/load-config.js'
import { configToJson, describeConfig } from './config/describe-config.js'
import { ConfigError, type ConfigProblem, formatProblem } from './config/problem.js'
import type { SidecarConfig } from './config/sidecar-config.js'
import { EXIT } from './exit-codes.js'
import { withoutSecretPatterns } from './log/secret-patterns.js'

/** What reading the command line touches of the process. */
export interface ProgramIo {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly columns: number
  stdout(text: string): void
  stderr(text: string): void
}

/** A configuration to run; or the exit code of a command line that has said all it had to say. */
export type Prepared = { readonly config: SidecarConfig } | { readonly exitCode: number }

/** Reads a command line (without `node` and the script's name); tells errors on `output.stderr`. */
export async function prepare(argv: readonly string[], output: ProgramIo): Promise<Prepared> {
  // Somebody may have given a token where a path or a name belongs.
  const io: ProgramIo = {
    ...output,
    stdout: (text) => output.stdout(withoutSecretPatterns(text)),
    stderr: (text) => output.stderr(withoutSecretPatterns(text)),
  }
  const wantsJson = argv.includes('--json')
  const command = createCommand(io)
  const refused = parse(command, argv)
  if (refused?.exitCode === 0) return { exitCode: EXIT.ok }
  const usage = refused && describeUsage(refused)
  // Those of a refused command line are there as far as they could be read.
  const flags = command.opts<Flags>()
  try {
    const config = await loadConfig({ flags, env: io.env, usage })
    if (!flags.check) return { config }
    io.stdout(wantsJson ? `${JSON.stringify({ ok: true, config: configToJson(config) })}\n` : checked(config))
    return { exitCode: EXIT.ok }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { code, problems } = error
    if (wantsJson) io.stdout(`${JSON.stringify({ ok: false, code, problems })}\n`)
    else io.stderr(problems.map((one) => `${one === usage ? toldUsage(one) : formatProblem(one)}\n`).join(''))
    return { exitCode: EXIT.usage }
  }
}

/** @returns why it was refused, or that it has said all that was asked for, with the exit code 0 */
function parse(command: Command, argv: readonly string[]): CommanderError | undefined {
  try {
    command.parse(argv, { from: 'user' })
    return undefined
  } catch (error) {
    if (error instanceof CommanderError) return error
    throw error
  }
}

function describeUsage({ message }: CommanderError): ConfigProblem {
  const found = message.replace(/^error: /, '').slice(0, 500)
  return { location: 'command line', path: '', found, expected: `what '${NAME} --help' lists` }
}

const toldUsage = ({ found }: ConfigProblem) => `error: ${found}\nSee '${NAME} --help'`

const checked = (config: SidecarConfig) => `${describeConfig(config)}\nThe configuration can be used.\n`
