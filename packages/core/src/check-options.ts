/** One option's check: gives what was expected when the value is not it. */
type Check = (value: unknown) => { error: 'type' | 'range'; expected: string } | undefined

/** Checks a value's type, and then its range. */
function check(
  isType: (value: unknown) => boolean,
  expected: string,
  inRange: (value: never) => boolean = () => true,
): Check {
  return (value) => {
    if (!isType(value)) return { error: 'type', expected }
    return inRange(value as never) ? undefined : { error: 'range', expected }
  }
}

const isString = (value: unknown) => typeof value === 'string'

export const isBoolean = check((value) => typeof value === 'boolean', 'a boolean')

export const isNonEmptyString = check(isString, 'a non-empty string', (value: string) => value !== '')

export const isFilePath = check(
  isString,
  'a non-empty path without NUL characters',
  (value: string) => value !== '' && !value.includes('\0'),
)

export const isAudience = check(
  (value) => isString(value) || (Array.isArray(value) && Array.from(value).every(isString)),
  'a non-empty string, or a non-empty array of them',
  (value: string | string[]) => value.length > 0 && ![value].flat().includes(''),
)

export const isIntegerFrom = (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  check(
    (value) => typeof value === 'number',
    `a whole number from ${min} to ${max}`,
    (value: number) => Number.isInteger(value) && value >= min && value <= max,
  )

export const isObjectWith = (methods: readonly string[], kind: string) =>
  check(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function'),
    `${kind} (an object with the methods ${methods.join(', ')})`,
  )

/**
 * Checks an options object against one check per option. `undefined` stands for the default.
 *
 * @returns the options, each read once: own, inherited, or given by a getter.
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`) or RangeError (`ERR_OUT_OF_RANGE`): names the option, the kind of its
 *   value, and what was expected; never the value of a string.
 */
export function checkOptions<Options extends object>(
  options: Options,
  checks: { readonly [Name in keyof Options]-?: Check },
): Options {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw argumentError('type', `The options must be an object; got ${kindOf(options)}`)
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(checks, name))
  if (unknown !== undefined) {
    const known = Object.keys(checks).join(', ')
    throw argumentError('type', `There is no option '${unknown}'. The options are ${known}`)
  }
  const values = {} as Options
  for (const name of Object.keys(checks) as (keyof Options & string)[]) {
    const value = options[name]
    const failure = value === undefined ? undefined : checks[name](value)
    if (failure) {
      throw argumentError(
        failure.error,
        `The option '${name}' must be ${failure.expected}; got ${kindOf(value)}`,
      )
    }
    values[name] = value
  }
  return values
}

function argumentError(kind: 'type' | 'range', message: string): TypeError | RangeError {
  return kind === 'type'
    ? Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' })
    : Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' })
}

/** The kind of a value; numbers and booleans in full, strings never: an option may hold a secret by mistake. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`
  if (typeof value === 'string')
    return value === '' ? 'an empty string' : `a string of ${value.length} characters`
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : `an array of ${value.length}`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
