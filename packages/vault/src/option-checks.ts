import { optionCheck } from '@projected-token/core/provider'

const isString = (value: unknown) => typeof value === 'string'

export const isText = optionCheck(
  isString,
  'a non-empty string without control characters',
  (value: string) => value !== '' && !/\p{C}/u.test(value),
)

/** What may stand in a header. */
export const HEADER_TEXT = /^[\x21-\x7e]*$/

/** Sent in a header. */
export const isHeaderText = optionCheck(isString, 'a string of visible ASCII characters', (value: string) =>
  HEADER_TEXT.test(value),
)

export const isPem = optionCheck(
  (value) => isString(value) || value instanceof Uint8Array,
  'PEM text or bytes, not empty',
  (value: string | Uint8Array) => value.length > 0,
)

export const isTextList = optionCheck(
  (value) => Array.isArray(value) && value.every(isString),
  'an array of strings',
)
