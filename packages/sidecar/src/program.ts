import { CommanderError } from 'commander'
import { createCommand, type Flags } from './command-line/create-command.js'
import { loadConfig } from './command-line/load-config.js'
import { configToJson, describeConfig } from './config/describe-config.js'
import { ConfigError } from './config/problem.js'
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
  try {
    const command = createCommand(io).parse(argv, { from: 'user' })
    const flags = command.opts<Flags>()
    const config = await loadConfig({ flags, env: io.env })
    if (!flags.check) return { config }
    io.stdout(wantsJson ? `${JSON.stringify({ ok: true, config: configToJson(config) })}\n` : checked(config))
    return { exitCode: EXIT.ok }
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return { exitCode: EXIT.ok }
    if (error instanceof ConfigError) {
      const { code, problems, message } = error
      if (wantsJson) io.stdout(`${JSON.stringify({ ok: false, code, problems })}\n`)
      else io.stderr(`${message}\n`)
      return { exitCode: EXIT.usage }
    }
    if (!(error instanceof CommanderError)) throw error
    const message = error.message.replace(/^error: /, '').slice(0, 500)
    io.stderr(`error: ${message}\nSee 'projected-token-sidecar --help'\n`)
    return { exitCode: EXIT.usage }
  }
}

const checked = (config: SidecarConfig) => `${describeConfig(config)}\nThe configuration can be used.\n`
