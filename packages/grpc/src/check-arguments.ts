import { type Clock, systemClock, type TokenProvider } from '@projected-token/core'

/** @throws TypeError (`ERR_INVALID_ARG_TYPE`) */
export function checkProvider(provider: TokenProvider): TokenProvider {
  for (const method of ['getToken', 'invalidate'] as const) {
    if (typeof provider?.[method] !== 'function') {
      throw invalidArgument(
        `'provider' must be a TokenProvider: an object with a '${method}' function, got ${kindOf(provider)}`,
      )
    }
  }
  return provider
}

/** @throws TypeError (`ERR_INVALID_ARG_TYPE`) */
export function checkOptionNames(options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidArgument(`'options' must be an object, got ${kindOf(options)}`)
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw invalidArgument(`unknown option '${unknown}'; known are '${known.join("', '")}'`)
  }
}

/** @throws TypeError (`ERR_INVALID_ARG_TYPE`) */
export function checkClock(clock: Clock | undefined): Clock {
  if (clock === undefined) return systemClock
  for (const method of ['now', 'monotonicNow'] as const) {
    if (typeof clock?.[method] !== 'function') {
      throw invalidArgument(`'clock' must be a Clock: an object with a '${method}' function`)
    }
  }
  return clock
}

export function invalidArgument(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' })
}

/** What a bad argument is, for a message, without what it holds. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}
