import type { Clock, GetTokenOptions, Listener, Token, TokenProvider } from '@projected-token/core'
import type { FailureClass } from './classify-answer.js'
import type { VaultError, VaultErrorCode } from './vault-error.js'

/** Options of {@link createVaultTokenProvider}. */
export interface VaultTokenProviderOptions {
  /** The role to log in with. */
  role: string
  /** Gives the JWT, anew for each login: `createTokenWatcher({ audience: 'vault' })`, say. It is not closed here. */
  jwt: TokenProvider
  /**
   * `https://host:8200`, `http://…` (a process warning unless it is loopback), with a path prefix where a proxy has
   * one, or `unix:///path/to/socket`.
   * @default VAULT_AGENT_ADDR, VAULT_ADDR, or 'https://127.0.0.1:8200', as Vault's own client has it
   */
  address?: string | undefined
  /**
   * Other addresses of the same cluster: where a standby's redirect may lead. The token goes to no others.
   * @default none: no redirect to another address is followed
   */
  clusterAddresses?: string[] | undefined
  /** The kind of auth mount. @default 'kubernetes' */
  method?: 'kubernetes' | 'jwt' | undefined
  /** The path where it is mounted, with or without `auth/`. @default the method's name */
  mount?: string | undefined
  /** Enterprise, HCP or OpenBao namespace. @default VAULT_NAMESPACE */
  namespace?: string | undefined
  /** Authorities that may sign Vault's certificate, as PEM, instead of the system's. @default VAULT_CACERT_BYTES */
  ca?: string | Uint8Array | undefined
  /** The same, in a file. Files are read anew before each login. @default VAULT_CACERT */
  caFile?: string | undefined
  /** The same, all files of a directory. @default VAULT_CAPATH */
  caDirectory?: string | undefined
  /** PEM. */
  clientCert?: string | Uint8Array | undefined
  /** @default VAULT_CLIENT_CERT */
  clientCertFile?: string | undefined
  /** PEM. */
  clientKey?: string | Uint8Array | undefined
  /** @default VAULT_CLIENT_KEY */
  clientKeyFile?: string | undefined
  /** The name that Vault's certificate must have. @default VAULT_TLS_SERVER_NAME, or the address's host */
  serverName?: string | undefined
  /**
   * Sends JWT and tokens to whoever answers. For a laptop; it causes a process warning. The variable
   * `VAULT_SKIP_VERIFY` alone does not do it, and causes a warning that says so.
   * @default false
   */
  skipVerify?: boolean | undefined
  /** How long one request may take, in milliseconds, 1 to 600,000. @default VAULT_CLIENT_TIMEOUT, or 60_000 as in Vault's client */
  requestTimeoutMs?: number | undefined
  /**
   * How long, in milliseconds from 0, after its creation a provider lets `getToken()` wait for a first token; later it
   * rejects at once, with the reason.
   * @default 10_000
   */
  startupTimeoutMs?: number | undefined
  /**
   * Over how long, in milliseconds from 5,000 to 86,400,000, logins spread when Vault comes back after an outage in
   * which tokens ended: N pods make N ÷ `loginSpreadMs` logins a millisecond, and the last one has its token so much
   * later, or earlier where the outage was shorter than half of that. A Vault that bears R logins a second needs
   * N ÷ R × 1,000. Twice the rate of the renewals is 35 % of the TTL, whatever N is: they are 0.7 TTL apart.
   * @default 5 % of the TTL, from 5_000 to 300_000 (while a token still lives: 5 % of the TTL)
   */
  loginSpreadMs?: number | undefined
  /** Whether `close()` revokes the token, so that its lease does not outlive the program. @default false */
  revokeOnClose?: boolean | undefined
  /** Whether timers hold the process. @default false */
  keepAlive?: boolean | undefined
  /** Where to look for the variables above; `{}` for nowhere. @default process.env */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** @default systemClock */
  clock?: Clock | undefined
  /** Numbers from 0 to 1, for jitter: tests give their own. @default Math.random */
  random?: (() => number) | undefined
}

/** What is known of the Vault token in use; no secret. Times are Unix milliseconds. */
export interface VaultTokenStatus {
  /** Vault's public name for the token: it can be looked up and revoked by it, not used. */
  readonly accessor: string | undefined
  /** All of them, the token's first. */
  readonly policies: readonly string[]
  /** Those of the role. */
  readonly tokenPolicies: readonly string[]
  /** Those of the entity and its groups. */
  readonly identityPolicies: readonly string[]
  /** How many requests Vault grants it in all (`token_num_uses`), not how many are left; `undefined`: no limit. */
  readonly numUses: number | undefined
  /** `service` or `batch`. */
  readonly type: string
  /** The entity in Vault's identity store that the login belongs to; `undefined`: to none. */
  readonly entityId: string | undefined
  /** What the mount says of the one who logged in. */
  readonly metadata: Readonly<Record<string, string>>
  /** `namespace/name` of the service account, or the entity. */
  readonly who: string | undefined
  /** Whether renewals extend its life; otherwise a login follows, or nothing where it never expires. */
  readonly renewable: boolean
  /** The TTL of the last grant, in milliseconds; `undefined`: never expires. */
  readonly leaseMs: number | undefined
  /** When the answer to its login was there. */
  readonly loggedInAtMs: number
  /** When the answer to its last renewal was there; `undefined`: it was not renewed. */
  readonly renewedAtMs: number | undefined
  /** When it ends, unless it is renewed; `undefined`: never. */
  readonly expiresAtMs: number | undefined
}

/** The failures in a row that have not ended yet, or the last such row. */
export interface VaultFailureStatus {
  /** Of the last of them. */
  readonly code: VaultErrorCode
  /** What the last of them means, and so what is done about it. */
  readonly class: FailureClass
  /** Of the last of them: address, mount and role, what Vault said and the remedy; no secret. */
  readonly message: string
  /** What failed. */
  readonly during: 'login' | 'renewal'
  /** When the first of them happened, as Unix time in milliseconds. */
  readonly sinceMs: number
  /** How many they are. */
  readonly count: number
  /** Whether they go on. */
  readonly ongoing: boolean
}

/**
 * - `starting`: no token yet, `getToken()` waits;
 * - `valid`: there is a token to use, whatever else is going on;
 * - `expired`: the last token has ended;
 * - `unavailable`: there was never a token;
 * - `failed`: no token, and no further attempt: the configuration is wrong;
 * - `closed`.
 */
export type VaultState = 'starting' | 'valid' | 'expired' | 'unavailable' | 'failed' | 'closed'

/** Plain JSON, no secret. Times are Unix milliseconds. */
export interface VaultStatus {
  /** Whether there is a token, and whether another attempt follows. */
  readonly state: VaultState
  /** The request under way. */
  readonly activity: 'idle' | 'login' | 'renewal' | 'lookup'
  /** Where Vault is asked. */
  readonly address: string
  /** Without slashes around it; `undefined`: the root namespace, or a Vault without any. */
  readonly namespace: string | undefined
  /** The kind of auth mount. */
  readonly method: 'kubernetes' | 'jwt'
  /** The path where it is mounted, as URLs have it, without `auth/`. */
  readonly mount: string
  /** The role to log in with. */
  readonly role: string
  /** The token in use, or the last one; `undefined`: there was none yet. */
  readonly token: VaultTokenStatus | undefined
  /** When it will be renewed; `undefined` when a login comes next, or nothing. */
  readonly renewsAtMs: number | undefined
  /** When the next login is due; `undefined` when a renewal comes next, or nothing. */
  readonly logsInAtMs: number | undefined
  /** Whether a login waits for another JWT. */
  readonly waitsForJwt: boolean
  /** How many logins gave a token. */
  readonly logins: number
  /** How many renewals succeeded. */
  readonly renewals: number
  /** How many `lookup-self` were sent, for tokens in doubt. */
  readonly lookups: number
  /** The JWT that Vault refused last and that is not sent again: the beginning of its SHA-256, and since when. */
  readonly refusedJwt: { readonly fingerprint: string; readonly sinceMs: number } | undefined
  /**
   * How many logins and renewals failed, by the code of the error, also while the token in use was valid. It only grows;
   * a code without failures is absent.
   */
  readonly failures: Readonly<Partial<Record<VaultErrorCode, number>>>
  /** The failures that go on, or the last row of them; `undefined`: there were none. */
  readonly lastFailure: VaultFailureStatus | undefined
  /** `ZERO_LEASE`: Vault gave a lease of 0 s. `ROOT_TOKEN`: the role gives root's token. */
  readonly warnings: readonly ('ZERO_LEASE' | 'ROOT_TOKEN')[]
}

/** The events of a {@link VaultTokenProvider}, with what their listeners get. */
export interface VaultEvents {
  /** A login gave a token; `previous` is the one before, `accessor` Vault's public name for the new one. */
  login: {
    readonly token: Token
    readonly previous: Token | undefined
    readonly accessor: string | undefined
  }
  /** The same secret lives longer: `leaseMs` is its TTL in milliseconds, from when the renewal was sent. */
  renewed: { readonly token: Token; readonly leaseMs: number }
  /** The first failure of an episode; `class` is what it means. */
  failed: { readonly error: VaultError; readonly class: FailureClass }
  /** The end of that episode: how many failures it had, and when (Unix milliseconds) the first one was. */
  recovered: { readonly failures: number; readonly sinceMs: number }
  /** Vault refused this JWT, which the beginning of its SHA-256 stands for: it is not sent again. */
  jwtRefused: { readonly fingerprint: string; readonly error: VaultError }
  /** The token ended, by time or by Vault's word, and nothing had replaced it; once a token. */
  expired: { readonly token: Token }
  /** `status().state` has changed. */
  state: { readonly from: VaultState; readonly to: VaultState }
}

/** Logs in to Vault and keeps the token alive. */
export interface VaultTokenProvider extends TokenProvider, AsyncDisposable {
  /**
   * Reports that Vault refused exactly this token. With Vault's words (`errors` of the 403's body) the provider knows
   * what to do: `invalid token` means another login; `permission denied` alone, which a policy may have said, means
   * one `lookup-self`, at most every 30 s. Of a token that has ended, either shows that Vault answers again: a login
   * that waits for that is due at once.
   */
  invalidate(rejected: Token, errors?: readonly string[]): void
  /**
   * Logs in now, also after `failed`. A JWT that Vault refused is sent again, once for each call: the caller may have
   * corrected the role that refused it. Nothing else sends it again.
   *
   * @returns the token in use afterwards.
   * @throws {@link VaultError} when there is none.
   */
  login(options?: GetTokenOptions): Promise<Token>
  /** What there is and what comes next, as plain JSON; no secret, no I/O. */
  status(): VaultStatus
  /** Calls the listener at each such event. A listener that throws becomes a process warning. */
  on<Name extends keyof VaultEvents>(event: Name, listener: Listener<VaultEvents[Name]>): this
  /** Calls the listener at the next such event only. */
  once<Name extends keyof VaultEvents>(event: Name, listener: Listener<VaultEvents[Name]>): this
  /** Undoes `on()` or `once()`. */
  off<Name extends keyof VaultEvents>(event: Name, listener: Listener<VaultEvents[Name]>): this
  /**
   * Ends timers and requests, and revokes the token if `revokeOnClose` says so (a service token that no other provider
   * of this process shares; within 2 s). `getToken()` then rejects with `ERR_VAULT_CLOSED`.
   */
  close(): Promise<void>
}
