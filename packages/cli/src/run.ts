import { CommanderError } from 'commander'
import { CliError, type CliErrorDetails, renderError, renderErrorJson } from './cli-error.js'
import { colorsFor } from './colors.js'
import { EXIT } from './exit-codes.js'
import type { CliIo, CommandIo, Output } from './io.js'
import { redactAllBut, redactSecrets } from './printable.js'
import { createProgram } from './program.js'
import { hasShownAll, usageError } from './usage-error.js'
import { normaliseVaultArgv } from './vault/vault-argv.js'

/**
 * Runs one command line (without `node` and the script's name); tells errors on `io.stderr`.
 *
 * @returns the exit code; never rejects.
 */
export async function run(commandLine: readonly string[], io: CliIo): Promise<number> {
  const argv = normaliseVaultArgv(commandLine)
  const safeIo: CommandIo = {
    ...io,
    stdout: redacting(io.stdout),
    stderr: redacting(io.stderr),
    disclose: (text, token) => io.stdout.write(redactAllBut(token, text)),
  }
  let exitCode: number = EXIT.ok
  try {
    const program = createProgram(safeIo, (code) => {
      exitCode = code
    })
    await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError && hasShownAll(error)) {
      return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    }
    const { message, details } = describe(error)
    const wantsJson = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : undefined).includes('--json')
    const render = () => renderError(message, details, colorsFor(io.stderr, io.env))
    safeIo.stderr.write(wantsJson ? renderErrorJson(message, details) : render())
    return details.exitCode
  }
}

function describe(error: unknown): { message: string; details: CliErrorDetails } {
  if (error instanceof CliError) return { message: error.message, details: error.details }
  if (error instanceof CommanderError) return describe(usageError(error))
  const message =
    error instanceof Error ? `${error.name}: ${error.message}` : 'something that is no error was thrown'
  return {
    message,
    details: {
      code: 'ERR_INTERNAL',
      exitCode: EXIT.internal,
      remedy: 'This is a bug in projected-token. Please report it',
    },
  }
}

function redacting(output: Output): Output {
  return {
    write: (text) => output.write(redactSecrets(text)),
    get isTTY() {
      return output.isTTY
    },
    get columns() {
      return output.columns
    },
  }
}
