import type { Token } from '@projected-token/core'
import { type VaultStatus, withoutVaultToken } from '@projected-token/vault'
import type { CliIo } from '../io.js'
import type { SessionOptions } from './session-options.js'

/** What would send the child elsewhere than where its token is from: a namespace also when it is from none. */
const OF_PLACE = ['AGENT_ADDR', 'ADDR', 'NAMESPACE']
/** Any of them would be trusted beside, or before, the authority that was given. */
const OF_AUTHORITY = ['CACERT', 'CACERT_BYTES', 'CAPATH']

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
  const settings = {
    ADDR: address,
    NAMESPACE: namespace,
    TOKEN: keepVaultToken ? undefined : token.token,
    CACERT: options.caCert,
    CAPATH: options.caPath,
    CLIENT_CERT: options.clientCert,
    CLIENT_KEY: options.clientKey,
    TLS_SERVER_NAME: options.tlsServerName,
    SKIP_VERIFY: options.tlsSkipVerify && 'true',
  }
  const given = Object.entries(settings).filter(([, value]) => value !== undefined)
  const hasAuthority = options.caCert !== undefined || options.caPath !== undefined
  const overruled = [...OF_PLACE, ...(hasAuthority ? OF_AUTHORITY : []), ...given.map(([name]) => name)]
  for (const name of overruled) {
    delete inherited[`VAULT_${name}`]
    // Which OpenBao's client would prefer.
    delete inherited[`BAO_${name}`]
  }
  return { ...inherited, ...Object.fromEntries(given.map(([name, value]) => [`VAULT_${name}`, value])) }
}

/** The environment of a command that is only told of something: without any Vault token. Pure. */
export function notifyEnvironment(env: CliIo['env'], event: string): Record<string, string | undefined> {
  return { ...withoutVaultToken(env), PROJECTED_TOKEN_EVENT: event }
}
