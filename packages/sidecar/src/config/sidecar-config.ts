import type { ListenAddress } from '../listen/listen-address.js'

/** Which token: one of `tokens` or of `vaultTokens`. */
export interface SourceReference {
  /** `projected`: one of `tokens`; `vault`: one of `vaultTokens`. */
  readonly kind: 'projected' | 'vault'
  /** Its name there. */
  readonly name: string
}

/** A token file. */
export interface TokenConfig {
  /** At most 63 lowercase letters, digits and hyphens. */
  readonly name: string
  /** The file, absolute. */
  readonly path: string
  /** One of these must be in the token; empty: any. */
  readonly audience: readonly string[]
  /** It must be in the token; `undefined`: any. */
  readonly issuer: string | undefined
  /** It must be in the token; `undefined`: any. */
  readonly subject: string | undefined
  /** The longest time between two reads, in milliseconds from 1,000 to 3,600,000. @default 300_000 */
  readonly reloadIntervalMs: number
  /** Whether the directory is watched; otherwise timed reads alone find a rotation. @default true */
  readonly watch: boolean
}

/** A login in Vault with one of the tokens. What is `undefined` comes from the environment, as Vault's own client has it. */
export interface VaultTokenConfig {
  /** At most 63 lowercase letters, digits and hyphens. */
  readonly name: string
  /** Name of the token to log in with. */
  readonly jwt: string
  /** The role to log in with. */
  readonly role: string
  /** `https://host:8200`, `http://host:8200` or `unix:///path/of/socket`. */
  readonly address: string | undefined
  /** The kind of auth mount. @default 'kubernetes' */
  readonly method: 'kubernetes' | 'jwt'
  /** The path where it is mounted; `undefined`: the method's name. */
  readonly mount: string | undefined
  /** Enterprise, HCP or OpenBao namespace. */
  readonly namespace: string | undefined
  /** Authorities that may sign Vault's certificate: a file of PEM. */
  readonly caFile: string | undefined
  /**
   * Over how long logins spread after an outage, in milliseconds from 5,000 to 86,400,000; `undefined`: 5 % of the TTL.
   */
  readonly loginSpreadMs: number | undefined
}

/** A proxy: where it listens, where it passes requests on to, and which token it adds. */
export interface ProxyConfig {
  /** Where clients reach it. */
  readonly listen: ListenAddress
  /** An http or https origin, perhaps with a base path, below which every request stays. */
  readonly upstream: URL
  /** Which token is sent. */
  readonly source: SourceReference
  /**
   * The header that carries it, in lowercase.
   * @default 'authorization'; 'x-vault-token' for one of Vault's
   */
  readonly header: string
  /**
   * What precedes the token; empty: nothing.
   * @default 'Bearer'; '' for one of Vault's in another header than `authorization`
   */
  readonly scheme: string
  /**
   * Whether a client's own header wins, or is dropped. An empty one is dropped in either case.
   * @default 'keep'
   */
  readonly clientHeader: 'keep' | 'replace'
  /**
   * Authorities that may sign the upstream's certificate: a file of PEM, read at the start; `undefined`:
   * Node's list.
   */
  readonly caFile: string | undefined
  /** Names that `Host` and `Origin` may have besides loopback's and the upstream's; `*`: all. @default [] */
  readonly allowedHosts: readonly string[]
  /**
   * How long a connection to the upstream may take, in milliseconds from 1 to 3,600,000; `undefined`: 10,000.
   */
  readonly connectTimeoutMs: number | undefined
  /**
   * How long the upstream may take to begin its answer, in milliseconds from 1 to 3,600,000; `undefined`:
   * 60,000.
   */
  readonly headersTimeoutMs: number | undefined
}

/** A file that holds the current token, and what is done after each change. */
export interface SinkConfig {
  /** Which token the file holds. */
  readonly source: SourceReference
  /** The file, absolute. */
  readonly path: string
  /** Permission bits. @default 0o600 */
  readonly mode: number
  /** The owner; another than the process' own needs CAP_CHOWN. `undefined`: the process' own. */
  readonly uid: number | undefined
  /** The group; `undefined`: the process' own. */
  readonly gid: number | undefined
  /** `token`: the token alone; `json`: an object that has its expiry, too. @default 'token' */
  readonly format: 'token' | 'json'
  /** What is done after each write, and once after a start that finds the file as it should be. */
  readonly onChange: SinkAction | undefined
}

/**
 * What is done after a sink has been written: a program is started, without a shell, and ended after `timeoutMs`
 * (1 to 3,600,000; `undefined`: 30,000); or the process whose number is in `pidFile` gets the signal.
 */
export type SinkAction =
  | { readonly command: readonly string[]; readonly timeoutMs: number | undefined }
  | { readonly signal: NodeJS.Signals; readonly pidFile: string }

/** pino's levels: what is below the one that is set is not logged. */
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

/**
 * A complete, checked configuration. `undefined` for a listener: there is none. The defaults are those of
 * {@link parseConfig}.
 */
export interface SidecarConfig {
  /** The token files. @default one of the name 'default': the pod's own */
  readonly tokens: readonly TokenConfig[]
  /** Logins in Vault. @default [] */
  readonly vaultTokens: readonly VaultTokenConfig[]
  /** The token endpoint. @default 127.0.0.1:8180 */
  readonly api: { readonly listen: ListenAddress | undefined }
  /** Proxies that add a token. @default [] */
  readonly proxies: readonly ProxyConfig[]
  /** Files that hold a token. @default [] */
  readonly sinks: readonly SinkConfig[]
  /** Probes and metrics. @default port 8080 of all interfaces */
  readonly health: { readonly listen: ListenAddress | undefined }
  /**
   * The page for people, and the names besides loopback's under which it may be asked for (`*`: all).
   * @default nowhere, none
   */
  readonly status: { readonly listen: ListenAddress | undefined; readonly allowedHosts: readonly string[] }
  /**
   * How long requests under way may take after `close()`, in milliseconds from 0 to 3,600,000.
   * @default 25_000
   */
  readonly shutdownTimeoutMs: number
  /** What is logged. @default 'info' */
  readonly logLevel: LogLevel
}
