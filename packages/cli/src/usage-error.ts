import type { CommanderError } from 'commander'
import { CliError } from './cli-error.js'
import { EXIT } from './exit-codes.js'

/** Tells what commander found wrong with a command line as this program tells its errors. */
export function usageError(error: CommanderError, exitCode: number = EXIT.usage): CliError {
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  const remedy = suggestion?.replace(/^\(|\)$/g, '') ?? "See 'projected-token --help'"
  return new CliError(message, { code: 'ERR_USAGE', exitCode, remedy })
}

/** What commander throws after it has printed help or the version: there is nothing more to say. */
const SHOWN = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version'])

/** Whether all was said already. */
export function hasShownAll({ code }: CommanderError): boolean {
  return SHOWN.has(code)
}
