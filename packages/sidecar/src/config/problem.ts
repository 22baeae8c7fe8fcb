import { containsSecret } from '../log/secret-patterns.js'

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** Where: `FILE:LINE:COLUMN`, a flag, or a variable. */
  readonly location: string
  /** Where in the configuration: `proxies[0].listen`; empty for the whole. */
  readonly path: string
  /** What is there, in words; nothing that may be a secret. */
  readonly found: string
  /** What may stand there, in words. */
  readonly expected: string
}

/** Thrown when a configuration cannot be used; it lists all that is wrong with it. */
export class ConfigError extends Error {
  /** The name of the class. */
  override readonly name = 'ConfigError'
  /** The same for all of them. */
  readonly code = 'ERR_CONFIG'
  /** All that is wrong, at least one. */
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.problems = problems
  }
}

/** `file:3:9: proxies[0].listen: found …, expected …`. */
export function formatProblem({ location, path, found, expected }: ConfigProblem): string {
  return `${location}: ${path === '' ? '' : `${path}: `}found ${found}, expected ${expected}`
}

/** `tokens[0].name` for `['tokens', 0, 'name']`. */
export function formatPath(path: readonly (string | number)[]): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`
      const text = describeKey(key)
      return index === 0 ? text : `.${text}`
    })
    .join('')
}

/** A key, as long as it can be one; or YAML 1.1's merge key, which people take for one that YAML 1.2 has. */
export function describeKey(key: string): string {
  return /^(?:[\w.-]{1,40}|<<)$/.test(key) && !mayBeSecret(key) ? key : `(a key of ${key.length} characters)`
}

/**
 * A value for a message. Text is shown only when it can be neither a secret nor something that moves a cursor: what
 * somebody pasted into the wrong place might be a token or a password.
 */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'no value'
  if (typeof value === 'string') return describeText(value)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`
  if (typeof value === 'object') return 'a map'
  return `the ${typeof value} ${String(value)}`
}

function describeText(text: string): string {
  if (text === '') return 'an empty string'
  const isPlain = /^[\w.:/[\]=+*, -]{1,60}$/.test(text)
  return isPlain && !mayBeSecret(text) ? `'${text}'` : `a string of ${text.length} characters`
}

/** A token, or a run of letters and digits as passwords have it. */
function mayBeSecret(text: string): boolean {
  return containsSecret(text) || /(?=[a-z_-]*\d)(?=[\d_-]*[a-z])[\w-]{20,}/i.test(text)
}
