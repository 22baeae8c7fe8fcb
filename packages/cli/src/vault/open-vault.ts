import { createTokenWatcher, TokenError, type TokenWatcher } from '@projected-token/core'
import {
  createVaultTokenProvider,
  readVaultEnvironment,
  VaultError,
  type VaultTokenProvider,
} from '@projected-token/vault'
import { InvalidArgumentError } from 'commander'
import { CliError } from '../cli-error.js'
import type { CliIo } from '../io.js'
import { requireRole, type VaultOptions } from './vault-options.js'

/** A login that stays alive, and the token file that it comes from. */
export interface OpenVault {
  readonly provider: VaultTokenProvider
  readonly jwt: TokenWatcher
  /** Ends both. */
  close(): Promise<void>
}

export interface OpenVaultSettings {
  /** How long to wait for the first token. */
  timeoutMs: number
  revoke?: boolean
  /** Over how long logins spread after an outage. */
  loginSpreadMs?: number | undefined
}

/** A file that is not there is told soon; the provider asks for it again by itself. */
const FIRST_JWT_MS = 1_000

/** Begins to log in. @throws InvalidArgumentError for options, or variables, that cannot be right */
export async function openVault(
  options: VaultOptions,
  { timeoutMs, revoke = false, loginSpreadMs }: OpenVaultSettings,
  { env, clock }: CliIo,
): Promise<OpenVault> {
  const role = requireRole(options)
  const { tokenPath: path, audience, clientCert, clientKey } = options
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    throw new InvalidArgumentError('--client-cert and --client-key go together: give both.')
  }
  const jwt = createTokenWatcher({
    path,
    audience,
    startupTimeoutMs: FIRST_JWT_MS,
    keepAlive: true,
    clock,
  })
  try {
    const provider = createVaultTokenProvider({
      role,
      jwt,
      address: options.address,
      method: options.method,
      mount: options.mount,
      namespace: options.namespace,
      caFile: options.caCert,
      caDirectory: options.caPath,
      clientCertFile: clientCert,
      clientKeyFile: clientKey,
      serverName: options.tlsServerName,
      skipVerify: options.tlsSkipVerify,
      startupTimeoutMs: timeoutMs,
      loginSpreadMs,
      revokeOnClose: revoke,
      keepAlive: true,
      env,
      clock,
    })
    const close = async () => {
      await provider.close()
      await jwt.close()
    }
    return { provider, jwt, close }
  } catch (error) {
    await jwt.close()
    throw isBadArgument(error) ? new InvalidArgumentError(`${error.message}.`) : error
  }
}

function isBadArgument(error: unknown): error is Error {
  return (
    (error instanceof TypeError || error instanceof RangeError) &&
    ['ERR_INVALID_ARG_TYPE', 'ERR_OUT_OF_RANGE'].includes((error as { code?: string }).code ?? '')
  )
}

/** There is no Vault token, and why. */
export function noVaultToken(error: unknown, exitCode: number): unknown {
  if (!(error instanceof VaultError || error instanceof TokenError)) return error
  return new CliError(error.message, { code: error.code, exitCode })
}

/** What works, and should be changed all the same. Pure. */
export function risksOf(
  { tlsSkipVerify }: VaultOptions,
  address: string,
  env: CliIo['env'],
): { code: string; message: string }[] {
  const risks: { code: string; message: string }[] = []
  if (tlsSkipVerify) {
    const message = `The certificate of ${address} is not verified: JWT and tokens go to whoever answers`
    risks.push({ code: 'SKIP_VERIFY', message })
  } else if (readVaultEnvironment(env).wantsSkipVerify) {
    const message =
      "VAULT_SKIP_VERIFY is not obeyed. Give Vault's authority (--ca-cert, VAULT_CACERT), or --tls-skip-verify"
    risks.push({ code: 'SKIP_VERIFY_IGNORED', message })
  }
  if (/^http:\/\/(?!(?:localhost|127(?:\.\d+){3}|\[::1\])[:/])/.test(`${address}/`)) {
    const message = `${address} is reached without TLS: JWT and tokens can be read on the way`
    risks.push({ code: 'PLAINTEXT', message })
  }
  return risks
}
