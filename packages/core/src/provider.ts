export { abortable } from './abortable.js'
export { setAwakeTimer } from './awake-timer.js'
export { argumentError, checkOptions, kindOf, type OptionCheck, optionCheck } from './check-options.js'
export type { Clock, TimerOptions } from './clock.js'
export { createEventHub, type EventHub, type Listener } from './event-hub.js'
export { createFirstToken, type FirstToken } from './first-token.js'
export {
  isBoolean,
  isClock,
  isFilePath,
  isFunction,
  isIntegerFrom,
  isObject,
  isObjectWith,
  isOneOf,
  isTokenProvider,
} from './option-checks.js'
export { createToken, type Token, type TokenFields } from './token.js'
export type { GetTokenOptions, TokenProvider } from './token-provider.js'
