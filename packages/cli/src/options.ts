import { DEFAULT_TOKEN_PATH } from '@projected-token/core'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { looksLikeToken } from './printable.js'

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** Some 31 years: longer than any use, and far from where numbers lose milliseconds. */
const MAX_DURATION_MS = 1e12

/** Reads `250`, `250ms`, `30s`, `1.5m`, `2h`, `1d`: milliseconds where no unit is given. */
export function parseDuration(text: string): number {
  const [, number, unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? []
  const durationMs = Math.round(Number(number) * (UNITS_MS[unit] ?? Number.NaN))
  if (!(durationMs <= MAX_DURATION_MS)) {
    throw new InvalidArgumentError('Expected a duration such as 500ms, 30s, 5m or 1h.')
  }
  return durationMs
}

/** A parser of durations from `minMs` to `maxMs`; `described` says the bounds to a person. */
export function durationFrom(minMs: number, maxMs: number, described: string): (text: string) => number {
  return (text) => {
    const durationMs = parseDuration(text)
    if (durationMs < minMs || durationMs > maxMs) throw new InvalidArgumentError(`Expected ${described}.`)
    return durationMs
  }
}

/** Reads a whole number from 1. */
export function parseCount(text: string): number {
  const count = Number(text)
  if (!/^\d+$/.test(text) || count < 1 || !Number.isSafeInteger(count)) {
    throw new InvalidArgumentError('Expected a whole number from 1.')
  }
  return count
}

/** A path or a name that is not empty and not, by mistake, the token itself. */
export function parseText(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty.')
  if (text.includes('\0')) throw new InvalidArgumentError('It holds a NUL character.')
  if (looksLikeToken(text)) {
    throw new InvalidArgumentError(
      'It looks like a token itself. A token on the command line is seen by every user of the machine and stays in ' +
        'the history of the shell: give the path of its file.',
    )
  }
  return text
}

/** What a token must be, as several commands take it. */
export interface ExpectationOptions {
  audience?: string[]
  issuer?: string
  subject?: string
}

/** Adds `--audience`, `--issuer` and `--subject`. */
export function addExpectations(command: Command): Command {
  const collect = (text: string, previous: string[] | undefined) => [...(previous ?? []), parseText(text)]
  return command
    .addOption(
      new Option('-a, --audience <audience>', 'the token must name it; repeat it to accept others').argParser(
        collect,
      ),
    )
    .option('--issuer <issuer>', 'the token must come from it', parseText)
    .option(
      '--subject <subject>',
      'the token must be for it: system:serviceaccount:NAMESPACE:NAME',
      parseText,
    )
}

/** Adds the argument `[path]`. */
export function addTokenPath(command: Command): Command {
  return command.argument('[path]', 'the token file', parseText, DEFAULT_TOKEN_PATH)
}

/** Adds `--json`. */
export function addJson(command: Command, description: string): Command {
  return command.option('--json', description)
}
