import { Command, Option } from 'commander'
import { packageVersion } from '../files.js'
import type { FlagTexts } from './read-flags.js'

/** Flags, as commander gives them. */
export interface Flags extends FlagTexts {
  readonly config?: string
  readonly check?: true
  readonly json?: true
}

/** Of the program. */
export const NAME = 'projected-token-sidecar'
const ENV_PREFIX = 'PROJECTED_TOKEN_'

/** The variable that says the same as a flag: `PROJECTED_TOKEN_LOG_LEVEL` for `logLevel`. */
export const variableOf = (flag: string) =>
  `${ENV_PREFIX}${flag.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`

/** The flag itself: `--log-level` for `logLevel`. */
export const flagOf = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

const EXAMPLES = `
Examples:
  The pod's own token for programs of the pod, at http://127.0.0.1:8180/v1/token:
    projected-token-sidecar
  Another token, and a proxy that sends it along:
    projected-token-sidecar --token api=/var/run/secrets/tokens/api,audience=api \\
      --proxy 127.0.0.1:8081=https://api.example
  A login in Vault, whose token is kept in a file:
    projected-token-sidecar --token jwt=/var/run/secrets/tokens/vault,audience=vault \\
      --vault app=app-role,jwt=jwt,address=https://vault:8200 --sink /run/out/token,vaultToken=app
  A file, checked and not run:
    projected-token-sidecar --config /etc/sidecar.yaml --check

Flags win over variables (${ENV_PREFIX}CONFIG, ${ENV_PREFIX}TOKEN, …: several values with spaces between them),
variables over the file. A list given by one of them replaces the other's.

Signals: SIGTERM and SIGINT stop it and let requests finish; a second one ends it at once. SIGHUP does nothing.
Exit codes: 0 stopped, 1 a listener cannot start or connections had to be cut, 2 flags, variables, file or a
proxy's caCert cannot be used, 70 a bug, 130 and 143 ended by a second SIGINT or SIGTERM.`

const collect = (text: string, previous: string[] | undefined) => [...(previous ?? []), text]

/** The command line. It exits not, but throws. */
export function createCommand(output: { stdout(text: string): void; columns: number }): Command {
  return new Command(NAME)
    .description(
      'Gives the programs of a pod a fresh service account token or Vault token: by HTTP, proxy or file.',
    )
    .option('-c, --config <file>', 'YAML file')
    .addOption(
      new Option(
        '--token <name=path[,key=value]…>',
        'a token file; keys: audience, issuer, subject, reloadInterval',
      ).argParser(collect),
    )
    .addOption(
      new Option(
        '--vault <name=role,jwt=token[,…]>',
        'a login in Vault; keys: address, method, mount, namespace, caCert, loginSpread',
      ).argParser(collect),
    )
    .option(
      '--api <listen>',
      "the token endpoint: HOST:PORT of loopback, unix:///path, or 'off' (default: 127.0.0.1:8180)",
    )
    .addOption(
      new Option(
        '--proxy <listen=upstream[,…]>',
        'an injecting proxy; keys: token, vaultToken, header, scheme, clientHeader, caCert',
      ).argParser(collect),
    )
    .addOption(
      new Option(
        '--sink <path[,…]>',
        'a file that holds the token; keys: token, vaultToken, mode, owner, format',
      ).argParser(collect),
    )
    .option('--health <listen>', "probes and metrics, or 'off' (default: :8080)")
    .option('--status <listen>', "the status page (default: 'off')")
    .option('--shutdown-timeout <duration>', 'how long requests may take to finish at the end (default: 25s)')
    .option('--log-level <level>', 'fatal, error, warn, info, debug, trace or silent (default: info)')
    .option('--check', 'say whether the configuration can be used, and what would run; reads no other file')
    .option('--json', 'with --check: in JSON')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXAMPLES)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.stdout(text),
      writeErr: (text) => output.stdout(text),
      outputError: () => {}, // the error that is thrown is told once, in one place
      getOutHelpWidth: () => output.columns,
      getOutHasColors: () => false,
    })
}

/** What variables say. A variable that is empty says nothing. */
export function readVariables(env: Readonly<Record<string, string | undefined>>): Flags {
  const one = (flag: string) => env[variableOf(flag)]?.trim() || undefined
  const several = (flag: string) => one(flag)?.split(/\s+/)
  const config = one('config')
  return {
    ...(config === undefined ? {} : { config }),
    token: several('token'),
    vault: several('vault'),
    proxy: several('proxy'),
    sink: several('sink'),
    api: one('api'),
    health: one('health'),
    status: one('status'),
    shutdownTimeout: one('shutdownTimeout'),
    logLevel: one('logLevel'),
  }
}
