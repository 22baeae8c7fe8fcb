/** What a value is, never what it says: an option may hold a token. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** @throws TypeError when `options` is no plain set of options, or has one whose name is not in `known`. */
export function checkNames(owner: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`The options of ${owner} must be an object; got ${kindOf(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new TypeError(`${owner} has no option '${name}'; it has ${known.map((k) => `'${k}'`).join(', ')}`)
    }
  }
}

/** @throws TypeError when `value` is not of `type`. */
export function checkType(
  name: string,
  value: unknown,
  type: 'string' | 'boolean' | 'function',
  expected = `a ${type}`,
): void {
  if (typeof value !== type || value === '') {
    const found = value === '' ? 'an empty string' : kindOf(value)
    throw new TypeError(
      `'${name}' must be ${expected}${type === 'string' ? ', not empty' : ''}; got ${found}`,
    )
  }
}

/** The numbers that an option takes. */
export interface NumberRange {
  min: number
  max: number
  /** @default false */
  integer?: boolean
  /** Named in the message: `milliseconds`. */
  unit?: string
}

/** @throws TypeError when `value` is no number, RangeError when it is outside of `range`. */
export function checkNumber(name: string, value: unknown, range: NumberRange): void {
  const what = `${range.integer ? 'a whole number' : 'a number'}${range.unit ? ` of ${range.unit}` : ''}`
  const expected = `'${name}' must be ${what} from ${range.min} to ${range.max}`
  if (typeof value !== 'number') throw new TypeError(`${expected}; got ${kindOf(value)}`)
  const inside = value >= range.min && value <= range.max
  if (!inside || (range.integer && !Number.isInteger(value)))
    throw new RangeError(`${expected}; got ${value}`)
}

/** @throws TypeError when `value` is no string, RangeError when it is none of `choices`. */
export function checkChoice(name: string, value: unknown, choices: readonly string[]): void {
  const expected = `'${name}' must be one of ${choices.map((c) => `'${c}'`).join(', ')}`
  if (typeof value !== 'string') throw new TypeError(`${expected}; got ${kindOf(value)}`)
  if (!choices.includes(value)) throw new RangeError(`${expected}; got another string`)
}

/** @throws TypeError when `value` is neither a non-empty string nor a non-empty list of them. */
export function checkAudience(name: string, value: unknown, options: { empty?: boolean } = {}): void {
  const values = Array.isArray(value) ? value : [value]
  if (values.length > 0 || options.empty) {
    if (values.every((one) => typeof one === 'string' && one !== '')) return
  }
  const found = value === '' ? 'an empty string' : kindOf(value)
  const list = options.empty ? 'an array of them' : 'a non-empty array of them'
  throw new TypeError(`'${name}' must be a non-empty string or ${list}; got ${found}`)
}
