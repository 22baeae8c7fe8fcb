import { optionCheck } from './check-options.js'

const isString = (value: unknown) => typeof value === 'string'

/** An {@link OptionCheck} of `true` or `false`. */
export const isBoolean = optionCheck((value) => typeof value === 'boolean', 'a boolean')

export const isNonEmptyString = optionCheck(isString, 'a non-empty string', (value: string) => value !== '')

/** An {@link OptionCheck} of a path that the file system can take. */
export const isFilePath = optionCheck(
  isString,
  'a non-empty path without NUL characters',
  (value: string) => value !== '' && !value.includes('\0'),
)

export const isAudience = optionCheck(
  (value) => isString(value) || (Array.isArray(value) && Array.from(value).every(isString)),
  'a non-empty string, or a non-empty array of them',
  (value: string | string[]) => value.length > 0 && ![value].flat().includes(''),
)

/** Makes an {@link OptionCheck} of a whole number, bounds included. */
export const isIntegerFrom = (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  optionCheck(
    (value) => typeof value === 'number',
    `a whole number from ${min} to ${max}`,
    (value: number) => Number.isInteger(value) && value >= min && value <= max,
  )

/** An {@link OptionCheck} of how large a token file may be. */
export const isMaxTokenBytes = isIntegerFrom(1, 2 ** 26)

/** Makes an {@link OptionCheck} of an object by the names of its methods. */
export const isObjectWith = (methods: readonly string[], kind: string) =>
  optionCheck(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function'),
    `${kind} (an object with the methods ${methods.join(', ')})`,
  )

/** Makes an {@link OptionCheck} of a string that is one of these. */
export const isOneOf = (...choices: string[]) =>
  optionCheck(isString, `'${choices.join("' or '")}'`, (value: string) => choices.includes(value))

/** An {@link OptionCheck} of a function. */
export const isFunction = optionCheck((value) => typeof value === 'function', 'a function')

/** An {@link OptionCheck} of an object, arrays included. */
export const isObject = optionCheck((value) => typeof value === 'object' && value !== null, 'an object')

/** An {@link OptionCheck} of a `Clock`. */
export const isClock = isObjectWith(['now', 'monotonicNow', 'setTimer'], 'a Clock')

/** An {@link OptionCheck} of a `TokenProvider`. */
export const isTokenProvider = isObjectWith(['getToken', 'invalidate'], 'a TokenProvider')
