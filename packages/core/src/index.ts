export { type Clock, systemClock, type TimerOptions } from './clock.js'
export { createToken, type Token, type TokenFields } from './token.js'
export { TokenError, type TokenErrorCode, type TokenErrorOptions } from './token-error.js'
export type { GetTokenOptions, TokenProvider } from './token-provider.js'
