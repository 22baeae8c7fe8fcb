import type { Colors } from './colors.js'
import { printable, printableJson } from './printable.js'

/** What an error says besides its message. */
export interface CliErrorDetails {
  /** Stable, for scripts. */
  code: string
  exitCode: number
  /** More of what was found. */
  found?: string | undefined
  /** What to do. */
  remedy?: string | undefined
}

/** An error that is told to the user, and ends the command. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly details: CliErrorDetails

  constructor(message: string, details: CliErrorDetails) {
    super(message)
    this.details = details
  }
}

const MAX_LENGTH = 2_000

/** One block for a person: what, where, what to do, and the code. Ends with a line feed. */
export function renderError(message: string, details: CliErrorDetails, colors: Colors): string {
  const line = (name: string, text: string | undefined) =>
    text === undefined ? [] : [`  ${colors.dim(name.padEnd(5))}  ${printable(text, MAX_LENGTH)}`]
  return [
    `${colors.red('error:')} ${printable(message, MAX_LENGTH)}`,
    ...line('found', details.found),
    ...line('do', details.remedy),
    ...line('code', details.code),
    '',
  ].join('\n')
}

/** `{"error":{"code","message","found","remedy"}}`, one line. */
export function renderErrorJson(message: string, { code, found, remedy }: CliErrorDetails): string {
  return `${printableJson({ error: { code, message, found, remedy } })}\n`
}
