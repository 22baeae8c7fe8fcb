import { type Clock, systemClock, type TokenProvider } from '@projected-token/core'
import {
  argumentError,
  checkOptions,
  isBoolean,
  isClock,
  isFilePath,
  isFunction,
  isIntegerFrom,
  isObject,
  isOneOf,
  isTokenProvider,
} from '@projected-token/core/provider'
import type { Random } from './jitter.js'
import { HEADER_TEXT, isHeaderText, isPem, isText, isTextList } from './option-checks.js'
import type { TlsSource } from './tls-files.js'
import { normaliseMount, parseVaultAddress, type VaultAddress } from './vault-address.js'
import { readVaultEnvironment } from './vault-environment.js'
import type { VaultTokenProviderOptions } from './vault-types.js'
import { warnOfRisks } from './vault-warnings.js'

/** The options, checked and completed. */
export interface ProviderSettings {
  readonly role: string
  readonly jwt: TokenProvider
  readonly address: VaultAddress
  readonly clusterAddresses: readonly VaultAddress[]
  readonly method: 'kubernetes' | 'jwt'
  readonly mount: string
  readonly namespace: string | undefined
  readonly tls: TlsSource
  readonly requestTimeoutMs: number
  readonly startupTimeoutMs: number
  readonly loginSpreadMs: number | undefined
  readonly revokeOnClose: boolean
  readonly keepAlive: boolean
  readonly clock: Clock
  readonly random: Random
}

/** Where `vault server -dev` and an agent listen; the default of Vault's own client. */
const DEFAULT_ADDRESS = 'https://127.0.0.1:8200'
const DEFAULT_REQUEST_TIMEOUT_MS = 60_000
const MAX_REQUEST_TIMEOUT_MS = 600_000
/** The least that the rule for herds asks for, and a day. */
const LOGIN_SPREAD_MS = [5_000, 86_400_000] as const

const OPTION_CHECKS = {
  role: isText,
  jwt: isTokenProvider,
  address: isText,
  clusterAddresses: isTextList,
  method: isOneOf('kubernetes', 'jwt'),
  mount: isText,
  namespace: isHeaderText,
  ca: isPem,
  caFile: isFilePath,
  caDirectory: isFilePath,
  clientCert: isPem,
  clientCertFile: isFilePath,
  clientKey: isPem,
  clientKeyFile: isFilePath,
  serverName: isText,
  skipVerify: isBoolean,
  requestTimeoutMs: isIntegerFrom(1, MAX_REQUEST_TIMEOUT_MS),
  startupTimeoutMs: isIntegerFrom(0),
  loginSpreadMs: isIntegerFrom(...LOGIN_SPREAD_MS),
  revokeOnClose: isBoolean,
  keepAlive: isBoolean,
  env: isObject,
  clock: isClock,
  random: isFunction,
}

/** @throws TypeError or RangeError for bad arguments, and for variables of the environment that cannot be right. */
export function resolveSettings(given: VaultTokenProviderOptions): ProviderSettings {
  const options = checkOptions(given, OPTION_CHECKS, ['role', 'jwt'])
  const env = readVaultEnvironment(options.env ?? process.env)
  const { method = 'kubernetes', clusterAddresses = [] } = options
  const addressText = options.address ?? env.address ?? DEFAULT_ADDRESS
  const isFromEnv = options.address === undefined && env.address !== undefined
  if (options.namespace === undefined && env.namespace !== undefined && !HEADER_TEXT.test(env.namespace)) {
    // A line feed at the end of a Secret's value, for example. Each request would fail, as if Vault were away.
    throw argumentError(
      'range',
      'The variable VAULT_NAMESPACE (or BAO_NAMESPACE) must be visible ASCII characters, without a line feed at its end',
    )
  }
  const namespace = (options.namespace ?? env.namespace ?? '').replace(/^\/+|\/+$/g, '')
  const settings: ProviderSettings = {
    role: options.role,
    jwt: options.jwt,
    address: parseVaultAddress(
      addressText,
      isFromEnv ? 'The variable VAULT_ADDR (or VAULT_AGENT_ADDR, BAO_ADDR)' : "The option 'address'",
    ),
    clusterAddresses: clusterAddresses.map((one, at) =>
      parseVaultAddress(one, `The option 'clusterAddresses[${at}]'`),
    ),
    method,
    mount: normaliseMount(options.mount ?? method),
    namespace: namespace === '' ? undefined : namespace,
    tls: resolveTls(options, env),
    requestTimeoutMs:
      options.requestTimeoutMs ??
      Math.min(MAX_REQUEST_TIMEOUT_MS, env.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS),
    startupTimeoutMs: options.startupTimeoutMs ?? 10_000,
    loginSpreadMs: options.loginSpreadMs,
    revokeOnClose: options.revokeOnClose ?? false,
    keepAlive: options.keepAlive ?? false,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  }
  warnOfRisks(settings.address, settings.tls.skipVerify === true, env.wantsSkipVerify)
  return settings
}

/** An option, in whatever form, wins over every variable for the same thing. */
function resolveTls(
  options: VaultTokenProviderOptions,
  env: ReturnType<typeof readVaultEnvironment>,
): TlsSource {
  const { ca, caFile, caDirectory, clientCert, clientCertFile, clientKey, clientKeyFile } = options
  const hasCa = ca !== undefined || caFile !== undefined || caDirectory !== undefined
  const hasCert = clientCert !== undefined || clientCertFile !== undefined
  const hasKey = clientKey !== undefined || clientKeyFile !== undefined
  if ((hasCert || hasKey) && hasCert !== hasKey) {
    const name = hasCert ? 'clientKey' : 'clientCert'
    throw argumentError('type', `The option '${name}' (or '${name}File') must go with the other one`)
  }
  if (!hasCert && (env.clientCertFile === undefined) !== (env.clientKeyFile === undefined)) {
    // As Vault's client has it. Without the key no certificate would be shown, and Vault would say only that.
    const name = env.clientCertFile === undefined ? 'VAULT_CLIENT_CERT' : 'VAULT_CLIENT_KEY'
    throw argumentError(
      'type',
      `The variable ${name} (or ${name.replace('VAULT', 'BAO')}) must go with the other one`,
    )
  }
  return {
    ca: hasCa ? ca : env.ca,
    caFile: hasCa ? caFile : env.caFile,
    caDirectory: hasCa ? caDirectory : env.caDirectory,
    clientCert,
    clientCertFile: hasCert ? clientCertFile : env.clientCertFile,
    clientKey,
    clientKeyFile: hasCert ? clientKeyFile : env.clientKeyFile,
    serverName: options.serverName ?? env.serverName,
    skipVerify: options.skipVerify ?? false,
  }
}
