import { optionCheck } from './check-options.js'

const isString = (value: unknown) => typeof value === 'string'

export const isBoolean = optionCheck((value) => typeof value === 'boolean', 'a boolean')

export const isNonEmptyString = optionCheck(isString, 'a non-empty string', (value: string) => value !== '')

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

export const isIntegerFrom = (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  optionCheck(
    (value) => typeof value === 'number',
    `a whole number from ${min} to ${max}`,
    (value: number) => Number.isInteger(value) && value >= min && value <= max,
  )

export const isObjectWith = (methods: readonly string[], kind: string) =>
  optionCheck(
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function'),
    `${kind} (an object with the methods ${methods.join(', ')})`,
  )

export const isOneOf = (...choices: string[]) =>
  optionCheck(isString, `'${choices.join("' or '")}'`, (value: string) => choices.includes(value))

export const isFunction = optionCheck((value) => typeof value === 'function', 'a function')

export const isObject = optionCheck((value) => typeof value === 'object' && value !== null, 'an object')

export const isClock = isObjectWith(['now', 'monotonicNow', 'setTimer'], 'a Clock')

export const isTokenProvider = isObjectWith(['getToken', 'invalidate'], 'a TokenProvider')
