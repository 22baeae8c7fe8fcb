/** Why there is no (new) Vault token, or why a request was not sent. Stable: programs may compare it. */
export type VaultErrorCode =
  /** The role is unknown to the mount, or not one to log in with. Fatal after three tries. */
  | 'ERR_VAULT_ROLE'
  /** Vault refused this very JWT (expired, wrong audience, name or namespace not allowed): another one is awaited. */
  | 'ERR_VAULT_JWT_REFUSED'
  /** Vault's clock, or the issuer's, is wrong: the JWT is not valid yet. */
  | 'ERR_VAULT_JWT_NOT_YET_VALID'
  /** The provider of the JWT has none; its error is the `cause`. */
  | 'ERR_VAULT_JWT_UNAVAILABLE'
  /** 403 `permission denied` and nothing else: the reason stands only in Vault's log. */
  | 'ERR_VAULT_PERMISSION_DENIED'
  /** Any other refusal of a login. */
  | 'ERR_VAULT_LOGIN_REFUSED'
  /** The mount wants a second factor, which a program does not have. Fatal. */
  | 'ERR_VAULT_MFA_REQUIRED'
  /** Vault is sealed, or not initialised. */
  | 'ERR_VAULT_SEALED'
  /** Too many requests: a rate limit or a lease quota. */
  | 'ERR_VAULT_RATE_LIMITED'
  /** No connection, no answer in time, a 5xx, or an answer that is not Vault's. */
  | 'ERR_VAULT_UNAVAILABLE'
  /** The certificate was refused, or the TLS files cannot be read. */
  | 'ERR_VAULT_TLS'
  /** A redirect that leaves the configured addresses, or https, or is the second one. */
  | 'ERR_VAULT_REDIRECT'
  /** The Vault token has expired, or was revoked, and there is no other one yet. */
  | 'ERR_VAULT_TOKEN_EXPIRED'
  /** The provider was closed. */
  | 'ERR_VAULT_CLOSED'

/** What {@link VaultError} adds to a message. */
export interface VaultErrorOptions {
  /** Which failure it is. */
  code: VaultErrorCode
  /** The HTTP status that Vault answered with. @default none: it did not answer */
  status?: number | undefined
  /** The error that led to it. @default none */
  cause?: unknown
}

/**
 * A failure of this package. Its message names the address, mount and role, what Vault said, and the remedy; never a
 * token or a JWT. Compare {@link VaultError.code}, which is the same across the ESM and the CJS copy of the package,
 * not the class.
 */
export class VaultError extends Error {
  /** The name of the class. */
  override readonly name = 'VaultError'
  /** Which failure it is. */
  readonly code: VaultErrorCode
  /** The HTTP status that Vault answered with, when it answered. */
  readonly status: number | undefined

  constructor(message: string, options: VaultErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code
    this.status = options.status
  }
}
