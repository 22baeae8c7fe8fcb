import { DEFAULT_TOKEN_PATH } from '@projected-token/core'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { durationFrom, parseText } from '../options.js'

/** Where Vault is, and how to log in: what all commands of the group take. */
export interface VaultOptions {
  role?: string | undefined
  address?: string
  method: 'kubernetes' | 'jwt'
  mount?: string
  namespace?: string
  tokenPath: string
  audience?: string[]
  caCert?: string
  caPath?: string
  clientCert?: string
  clientKey?: string
  tlsServerName?: string
  tlsSkipVerify?: true
  timeout?: number
  json?: true
}

const collect = (text: string, previous: string[] | undefined) => [...(previous ?? []), parseText(text)]

/** Adds the options of {@link VaultOptions}. @param waits what `--timeout` is, with its default */
export function addVaultOptions(command: Command, waits: string): Command {
  addVaultPlace(command)
    .option('--token-path <file>', 'the service account token', parseText, DEFAULT_TOKEN_PATH)
    .addOption(
      new Option(
        '-a, --audience <audience>',
        'the token must name it; repeat it to accept others (recommended)',
      ).argParser(collect),
    )
  return addVaultTls(command).option(
    '--timeout <duration>',
    waits,
    durationFrom(100, 86_400_000, 'a duration from 100ms to 1d'),
  )
}

/** Adds the options that say where Vault is, and as whom to log in. */
export function addVaultPlace(command: Command): Command {
  return command
    .option('--role <role>', 'the role to log in with', parseText)
    .option('--address <url>', 'https://HOST:PORT or unix:///SOCKET (default: VAULT_ADDR)', parseText)
    .addOption(
      new Option('--method <method>', 'the kind of auth mount')
        .choices(['kubernetes', 'jwt'])
        .default('kubernetes'),
    )
    .option('--mount <path>', "where it is mounted (default: the method's name)", parseText)
    .option('--namespace <namespace>', "Vault's namespace (default: VAULT_NAMESPACE)", parseText)
}

/** Adds the options that say whom to trust there. */
export function addVaultTls(command: Command): Command {
  return command
    .option('--ca-cert <file>', "PEM of Vault's authority (default: VAULT_CACERT)", parseText)
    .option('--ca-path <directory>', 'the same, all files of a directory (default: VAULT_CAPATH)', parseText)
    .option('--client-cert <file>', 'PEM (default: VAULT_CLIENT_CERT)', parseText)
    .option('--client-key <file>', 'PEM (default: VAULT_CLIENT_KEY)', parseText)
    .option('--tls-server-name <name>', 'the name in the certificate', parseText)
    .option('--tls-skip-verify', 'trust whoever answers; VAULT_SKIP_VERIFY alone does not do that')
}

/** The role, which there is no default for. */
export function requireRole({ role }: VaultOptions): string {
  if (role !== undefined) return role
  throw new InvalidArgumentError('Vault wants to know the role to log in with: --role NAME.')
}
