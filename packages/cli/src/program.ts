import { Command } from 'commander'
import { wantsColor } from './colors.js'
import { registerDemo } from './commands/demo.js'
import { registerDoctor } from './commands/doctor.js'
import { registerInspect } from './commands/inspect.js'
import { registerVault } from './commands/vault.js'
import { registerWatch } from './commands/watch.js'
import { EXIT_CODES_HELP } from './exit-codes.js'
import { packageVersion } from './files.js'
import type { CommandIo } from './io.js'

/** Registers one command. Its action gives the exit code to `finish`. */
export type Register = (program: Command, io: CommandIo, finish: (exitCode: number) => void) => void

const COMMANDS: readonly Register[] = [
  registerInspect,
  registerDoctor,
  registerWatch,
  registerVault,
  registerDemo,
]

const DESCRIPTION =
  'Inspects, watches and demonstrates Kubernetes projected service account tokens, and logs in to Vault with them.'

/** The command line: all commands, errors thrown rather than printed. */
export function createProgram(io: CommandIo, finish: (exitCode: number) => void): Command {
  const program = new Command('projected-token')
    .description(DESCRIPTION)
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: () => {}, // the error that is thrown is told once, in one place
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      getErrHelpWidth: () => io.stderr.columns ?? 80,
      getOutHasColors: () => wantsColor(io.stdout, io.env),
      getErrHasColors: () => wantsColor(io.stderr, io.env),
    })
    .addHelpText(
      'after',
      `\n${EXIT_CODES_HELP}\nSecrets are never printed, but for the Vault token that 'vault login' is there to print.`,
    )
  for (const register of COMMANDS) register(program, io, finish)
  return program
}
