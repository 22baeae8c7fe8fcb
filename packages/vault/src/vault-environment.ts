import { parseGoDuration } from './go-duration.js'

/** What the environment says about a Vault: options for `createVaultTokenProvider`, by their names. */
export interface VaultEnvironment {
  /** `VAULT_AGENT_ADDR`, which Vault's own client prefers, or else `VAULT_ADDR`. */
  readonly address: string | undefined
  /** `VAULT_NAMESPACE`. */
  readonly namespace: string | undefined
  /** `VAULT_CACERT_BYTES`: PEM text. */
  readonly ca: string | undefined
  /** `VAULT_CACERT`. It wins over the other two, as in Vault's client (`TLSConfig` of its `api/client.go`). */
  readonly caFile: string | undefined
  /** `VAULT_CAPATH`. */
  readonly caDirectory: string | undefined
  /** `VAULT_CLIENT_CERT`. */
  readonly clientCertFile: string | undefined
  /** `VAULT_CLIENT_KEY`. */
  readonly clientKeyFile: string | undefined
  /** `VAULT_TLS_SERVER_NAME`. */
  readonly serverName: string | undefined
  /** `VAULT_CLIENT_TIMEOUT`, from seconds or a Go duration, in milliseconds; `undefined` when it is neither. */
  readonly requestTimeoutMs: number | undefined
  /**
   * Whether `VAULT_SKIP_VERIFY` asks for no verification. It is reported, never obeyed: a JWT would go to whoever
   * answers because of a variable that somebody left in a manifest. Only the option `skipVerify` does it.
   */
  readonly wantsSkipVerify: boolean
}

/** Go's strconv.ParseBool, whose words these are. */
const TRUE = /^(?:1|t|T|TRUE|true|True)$/

/**
 * Reads Vault's variables; OpenBao's, `BAO_…`, win over `VAULT_…`. Empty ones count as unset. `VAULT_MAX_RETRIES` is
 * not among them: there is one retry loop, the state machine's.
 */
export function readVaultEnvironment(env: Readonly<Record<string, string | undefined>>): VaultEnvironment {
  const read = (name: string) => env[`BAO_${name}`] || env[`VAULT_${name}`] || undefined
  const timeout = read('CLIENT_TIMEOUT')
  const timeoutMs = timeout === undefined ? undefined : parseGoDuration(timeout)
  const caFile = read('CACERT')
  const ca = caFile === undefined ? read('CACERT_BYTES') : undefined
  return {
    address: read('AGENT_ADDR') ?? read('ADDR'),
    namespace: read('NAMESPACE'),
    ca,
    caFile,
    caDirectory: ca === undefined && caFile === undefined ? read('CAPATH') : undefined,
    clientCertFile: read('CLIENT_CERT'),
    clientKeyFile: read('CLIENT_KEY'),
    serverName: read('TLS_SERVER_NAME'),
    requestTimeoutMs: timeoutMs !== undefined && timeoutMs >= 1 ? Math.round(timeoutMs) : undefined,
    wantsSkipVerify: TRUE.test(read('SKIP_VERIFY') ?? ''),
  }
}

/** The environment for a child process: without a Vault token that was inherited from somebody else. */
export function withoutVaultToken(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const { VAULT_TOKEN: _vault, BAO_TOKEN: _bao, ...rest } = env
  return rest
}
