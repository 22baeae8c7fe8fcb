import type { ListenAddress } from '../listen/listen-address.js'

/** Which token: one of `tokens` or of `vaultTokens`. */
export interface SourceReference {
  readonly kind: 'projected' | 'vault'
  readonly name: string
}

/** A token file. */
export interface TokenConfig {
  readonly name: string
  readonly path: string
  /** One of these must be in the token; empty: any. */
  readonly audience: readonly string[]
  readonly issuer: string | undefined
  readonly subject: string | undefined
  readonly reloadIntervalMs: number
  readonly watch: boolean
}

/** A login in Vault with one of the tokens. What is `undefined` comes from the environment, as Vault's own client has it. */
export interface VaultTokenConfig {
  readonly name: string
  /** Name of the token to log in with. */
  readonly jwt: string
  readonly role: string
  readonly address: string | undefined
  readonly method: 'kubernetes' | 'jwt'
  readonly mount: string | undefined
  readonly namespace: string | undefined
  readonly caFile: string | undefined
  /** Over how long logins spread after an outage; `undefined`: 5 % of the TTL. */
  readonly loginSpreadMs: number | undefined
}

/** A proxy: where it listens, where it passes requests on to, and which token it adds. */
export interface ProxyConfig {
  readonly listen: ListenAddress
  readonly upstream: URL
  readonly source: SourceReference
  readonly header: string
  /** Empty: the token alone. */
  readonly scheme: string
  readonly clientHeader: 'keep' | 'replace'
  readonly caFile: string | undefined
  readonly allowedHosts: readonly string[]
  readonly connectTimeoutMs: number | undefined
  readonly headersTimeoutMs: number | undefined
}

/** A file that holds the current token, and what is done after each change. */
export interface SinkConfig {
  readonly source: SourceReference
  readonly path: string
  readonly mode: number
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly format: 'token' | 'json'
  readonly onChange: SinkAction | undefined
}

/** What is done after a sink has been written. */
export type SinkAction =
  | { readonly command: readonly string[]; readonly timeoutMs: number | undefined }
  | { readonly signal: NodeJS.Signals; readonly pidFile: string }

/** pino's levels: what is below the one that is set is not logged. */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

/** A complete, checked configuration. `undefined` for a listener: there is none. */
export interface SidecarConfig {
  readonly tokens: readonly TokenConfig[]
  readonly vaultTokens: readonly VaultTokenConfig[]
  readonly api: { readonly listen: ListenAddress | undefined }
  readonly proxies: readonly ProxyConfig[]
  readonly sinks: readonly SinkConfig[]
  readonly health: { readonly listen: ListenAddress | undefined }
  readonly status: { readonly listen: ListenAddress | undefined; readonly allowedHosts: readonly string[] }
  readonly shutdownTimeoutMs: number
  readonly logLevel: LogLevel
}
