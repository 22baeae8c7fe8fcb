/** One option's check: gives what was expected when the value is not it. */
type Check = (value: unknown) => { error: 'type' | 'range'; expected: string } | undefined

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

export const isText = check(
  isString,
  'a non-empty string without control characters',
  (value: string) => value !== '' && !/\p{C}/u.test(value),
)

/** Sent in a header. */
export const isHeaderText = check(isString, 'a string of visible ASCII characters', (value: string) =>
  /^[\x21-\x7e]*$/.test(value),
)

export const isFilePath = check(
  isString,
  'a non-empty path without NUL characters',
  (value: string) => value !== '' && !value.includes('\0'),
)

export const isPem = check(
  (value) => isString(value) || value instanceof Uint8Array,
  'PEM text or bytes, not empty',
  (value: string | Uint8Array) => value.length > 0,
)

export const isTextList = check(
  (value) => Array.isArray(value) && value.every(isString),
  'an array of strings',
)

export const isOneOf = (...choices: string[]) =>
  check(isString, `'${choices.join("' or '")}'`, (value: string) => choices.includes(value))

export const isIntegerFrom = (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  check(
    (value) => typeof value === 'number',
    `a whole number from ${min} to ${max}`,
    (value: number) => Number.isInteger(value) && value >= min && value <= max,
  )

export const isFunction = check((value) => typeof value === 'function', 'a function')

export const isObject = check((value) => typeof value === 'object' && value !== null, 'an object')

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
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`) or RangeError (`ERR_OUT_OF_RANGE`): names the option, the kind of its
 *   value, and what was expected; never the value of a string.
 */
export function checkOptions(
  options: unknown,
  checks: Record<string, Check>,
  required: readonly string[] = [],
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw argumentError('type', `The options must be an object; got ${kindOf(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(checks, name)) continue
    throw argumentError(
      'type',
      `There is no option '${name}'. The options are ${Object.keys(checks).join(', ')}`,
    )
  }
  for (const [name, checkValue] of Object.entries(checks)) {
    const value = (options as Record<string, unknown>)[name]
    const failure = value === undefined && !required.includes(name) ? undefined : checkValue(value)
    if (failure) {
      throw argumentError(
        failure.error,
        `The option '${name}' must be ${failure.expected}; got ${kindOf(value)}`,
      )
    }
  }
}

/** An error for a bad argument, with Node's codes. */
export function argumentError(kind: 'type' | 'range', message: string): TypeError | RangeError {
  return kind === 'type'
    ? Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' })
    : Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' })
}

/** The kind of a value; numbers and booleans in full, strings never: an option may hold a secret by mistake. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`
  if (typeof value === 'string')
    return value === '' ? 'an empty string' : `a string of ${value.length} characters`
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : `an array of ${value.length}`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
