import { formatTime } from './format.js'
import { isTokenText } from './token-text.js'

/** `util.inspect.custom`, without loading node:util for it. */
const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never

/**
 * A credential that is good now. Immutable. `util.inspect`, `console.log`, `JSON.stringify`, `String()`, object
 * spread and structured clone never show the secret: only {@link Token.token} gives it.
 */
export interface Token {
  /** The secret, ready for a header: visible ASCII, no white space, never empty. */
  readonly token: string
  /** Unix time in milliseconds after which the token is refused; `undefined` when it is unknown or never. */
  readonly expiresAtMs: number | undefined
  /** Unix time in milliseconds at which this process obtained the token. */
  readonly loadedAtMs: number
}

/** What {@link createToken} takes: the same fields as a {@link Token}. */
export interface TokenFields {
  /** The secret: visible ASCII, no white space, not empty. */
  token: string
  /** Unix time in milliseconds after which it is refused. @default undefined, which is unknown or never */
  expiresAtMs?: number | undefined
  /** Unix time in milliseconds at which this process obtained it. */
  loadedAtMs: number
}

/** Private fields, so that not even `inspect(token, { showHidden: true, customInspect: false })` finds the secret. */
class RedactedToken implements Token {
  readonly #token: string
  readonly #expiresAtMs: number | undefined
  readonly #loadedAtMs: number

  constructor(fields: TokenFields) {
    this.#token = fields.token
    this.#expiresAtMs = fields.expiresAtMs
    this.#loadedAtMs = fields.loadedAtMs
    Object.freeze(this)
  }

  get token(): string {
    return this.#token
  }

  get expiresAtMs(): number | undefined {
    return this.#expiresAtMs
  }

  get loadedAtMs(): number {
    return this.#loadedAtMs
  }

  toJSON(): { expiresAtMs: number | undefined; loadedAtMs: number } {
    return { expiresAtMs: this.#expiresAtMs, loadedAtMs: this.#loadedAtMs }
  }

  toString(): string {
    return this.#expiresAtMs === undefined
      ? 'Token(redacted, no known expiry)'
      : `Token(redacted, expires ${formatTime(this.#expiresAtMs)})`
  }

  [inspectCustom](): string {
    return this.toString()
  }
}

/**
 * Makes a {@link Token} that does not leak: for providers of your own.
 *
 * @throws TypeError when `token` is not a non-empty string of visible ASCII, or a time is not a finite number. The
 *   message never holds the token.
 */
export function createToken(fields: TokenFields): Token {
  if (!isTokenText(fields.token)) {
    throw new TypeError("'token' must be a non-empty string of visible ASCII characters without white space")
  }
  if (fields.expiresAtMs !== undefined && !Number.isFinite(fields.expiresAtMs)) {
    throw new TypeError("'expiresAtMs' must be a finite number of milliseconds, or undefined")
  }
  if (!Number.isFinite(fields.loadedAtMs)) {
    throw new TypeError("'loadedAtMs' must be a finite number of milliseconds")
  }
  return new RedactedToken(fields)
}
