import { type Command, CommanderError } from 'commander'
import { createCommand, type Flags, NAME } from './command-line/create-command.js'
import { loadConfig } from './command-line/load-config.js'
import { configToJson, describeConfig } from './config/describe-config.js'
import { ConfigError, type ConfigProblem, describeKey, formatProblem } from './config/problem.js'
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
  const io = withPrintable(output)
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

/** Tells what is wrong with a configuration, a line for each problem. */
export function tellProblems(problems: readonly ConfigProblem[], io: ProgramIo): void {
  withPrintable(io).stderr(problems.map((one) => `${formatProblem(one)}\n`).join(''))
}

/** Somebody may have given a token where a path or a name belongs. */
function withPrintable(io: ProgramIo): ProgramIo {
  return {
    ...io,
    stdout: (text) => io.stdout(printable(text)),
    stderr: (text) => io.stderr(printable(text)),
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

function describeUsage({ code, message }: CommanderError): ConfigProblem {
  const text = message.replace(/^error: /, '').slice(0, 500)
  // What stands behind an option that is none might be a secret, or be one itself.
  const found =
    code === 'commander.unknownOption'
      ? text.replace(
          /'(.*)'/s,
          (_quoted, option: string) => `'${describeKey(option.split('=', 1)[0] ?? '')}'`,
        )
      : text
  return { location: 'command line', path: '', found, expected: `what '${NAME} --help' lists` }
}

const toldUsage = ({ found }: ConfigProblem) => `error: ${found}\nSee '${NAME} --help'`

const checked = (config: SidecarConfig) => `${describeConfig(config)}\nThe configuration can be used.\n`

/** Neither a token nor what moves a cursor: a path or a value may be any text. In JSON it stays the same text. */
function printable(text: string): string {
  return withoutSecretPatterns(text).replace(/(?!\n)\p{C}/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}
