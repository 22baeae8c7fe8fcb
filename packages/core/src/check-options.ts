/**
 * One option's check: gives what was expected when the value is not it, and whether a `TypeError` or a `RangeError` is to
 * say so.
 */
export type OptionCheck = (
  value: unknown,
) => { readonly error: 'type' | 'range'; readonly expected: string } | undefined

/**
 * Makes a check of a value's type, and then of its range.
 *
 * @param expected completes the sentence "The option 'NAME' must be …".
 */
export function optionCheck<Value>(
  isType: (value: unknown) => boolean,
  expected: string,
  inRange: (value: Value) => boolean = () => true,
): OptionCheck {
  return (value) => {
    if (!isType(value)) return { error: 'type', expected }
    return inRange(value as Value) ? undefined : { error: 'range', expected }
  }
}

/**
 * Checks an options object against one check per option. `undefined` stands for the default.
 *
 * @param required the names of options that have no default.
 * @returns the options, each read once: own, inherited, or given by a getter.
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`) or RangeError (`ERR_OUT_OF_RANGE`): names the option, the kind of its
 *   value, and what was expected; never the value of a string.
 */
export function checkOptions<Options extends object>(
  options: Options,
  checks: { readonly [Name in keyof Options]-?: OptionCheck },
  required: readonly (keyof Options & string)[] = [],
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
    const isDefault = value === undefined && !required.includes(name)
    const failure = isDefault ? undefined : checks[name](value)
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
