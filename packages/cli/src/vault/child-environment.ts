import type { Token } from '@projected-token/core'
import { type VaultStatus, withoutVaultToken } from '@projected-token/vault'
import type { CliIo } from '../io.js'
import type { SessionOptions } from './session-options.js'

/** Variables that would send the child elsewhere than where its token is from: agents first, and OpenBao's names. */
const OVERRULED = ['VAULT_AGENT_ADDR', 'BAO_AGENT_ADDR', 'BAO_ADDR', 'BAO_NAMESPACE']

/** The environment of a child: that of this process, with the token and where it is from. Pure. */
export function childEnvironment(
  env: CliIo['env'],
  options: SessionOptions,
  { address, namespace }: VaultStatus,
  token: Token,
): Record<string, string | undefined> {
  // Then an inherited VAULT_TOKEN is left alone, and none is given.
  const { keepVaultToken = false } = options
  const inherited = keepVaultToken ? { ...env } : withoutVaultToken(env)
  for (const name of OVERRULED) delete inherited[name]
  const given = {
    VAULT_ADDR: address,
    VAULT_NAMESPACE: namespace,
    VAULT_TOKEN: keepVaultToken ? undefined : token.token,
    VAULT_CACERT: options.caCert,
    VAULT_CAPATH: options.caPath,
    VAULT_CLIENT_CERT: options.clientCert,
    VAULT_CLIENT_KEY: options.clientKey,
    VAULT_TLS_SERVER_NAME: options.tlsServerName,
    VAULT_SKIP_VERIFY: options.tlsSkipVerify && 'true',
  }
  return {
    ...inherited,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  }
}

/** The environment of a command that is only told of something: without any Vault token. Pure. */
export function notifyEnvironment(env: CliIo['env'], event: string): Record<string, string | undefined> {
  return { ...withoutVaultToken(env), PROJECTED_TOKEN_EVENT: event }
}
