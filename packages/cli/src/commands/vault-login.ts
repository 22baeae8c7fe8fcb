import { replaceFile } from '@projected-token/core/sink'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { CliError } from '../cli-error.js'
import { colorsFor } from '../colors.js'
import { EXIT, exitCodeOf } from '../exit-codes.js'
import type { CommandIo } from '../io.js'
import { addJson, parseText } from '../options.js'
import { printable, printableJson } from '../printable.js'
import { firstVaultToken } from '../vault/first-vault-token.js'
import { describeLogin, type LoginAnswer } from '../vault/login-answer.js'
import { noVaultToken, openVault, risksOf } from '../vault/open-vault.js'
import { loginField, loginJson, renderField, renderLoginTable } from '../vault/render-login.js'
import { tokenHelperPath } from '../vault/token-helper.js'
import { addVaultOptions, type VaultOptions } from '../vault/vault-options.js'

interface LoginOptions extends VaultOptions {
  field?: string
  format?: 'table' | 'json'
  store?: boolean
  print: boolean
}

const FORMATS = ['table', 'json'] as const
const DEFAULT_TIMEOUT_MS = 10_000

const HELP = `
Examples:
  $ projected-token vault login --role app --token-path /var/run/secrets/tokens/vault --audience vault
      prints what \`vault login\` prints, the token included
  $ export VAULT_TOKEN="$(projected-token vault login --role app --field token)"
  $ projected-token vault login -role=app -path=k8s-prod -format=json | jq .auth.policies
  $ projected-token vault login --role app --store --no-print && vault kv get secret/app
      writes ~/.vault-token, which the vault CLI reads

Nothing is stored without --store. A token helper of one's own (token_helper in ~/.vault) is not called.

Exit codes: 0 logged in, 1 no Vault token (refused, no answer within --timeout, no such field or file),
2 usage, 130 on Ctrl-C, 143 on SIGTERM.`

/** `vault login`: logs in once, and prints the token as `vault login` does. */
export function registerVaultLogin(group: Command, io: CommandIo, finish: (exitCode: number) => void): void {
  const command = group
    .command('login')
    .summary('log in once, and print the Vault token')
    .description(
      'Logs in to Vault once and prints what `vault login` prints: this command alone shows a token.',
    )
    .argument('[role=NAME]', "the role, as `vault login`'s K=V arguments have it", parseRoleArgument)
  addVaultOptions(command, 'how long to try while Vault does not answer (default: 10s)')
  addJson(command, 'as --format json, with errors as JSON too')
    .option(
      '--field <name>',
      'print this field alone: token, token_accessor, token_duration, policies, …',
      parseText,
    )
    .addOption(
      new Option('--format <format>', 'table or json (default: VAULT_FORMAT, table)').choices(FORMATS),
    )
    .option('--store', "write the token to the token helper's file, ~/.vault-token")
    .addOption(new Option('--no-store', "vault's own option; it is the default here").hideHelp())
    .option('--no-print', 'print nothing')
    .addHelpText('after', HELP)
    .action(async (role: string | undefined, options: LoginOptions) => {
      const format = options.json ? 'json' : (options.format ?? formatOf(io.env))
      const answer = await logIn({ ...options, role: options.role ?? role }, io)
      if (!answer) return finish(exitCodeOf(io.signal))
      if (options.store) await store(answer.token, io)
      if (options.print) io.disclose(render(answer, options, format, io), answer.token)
      finish(EXIT.ok)
    })
}

/** `undefined` when it was interrupted. */
async function logIn(options: LoginOptions, io: CommandIo): Promise<LoginAnswer | undefined> {
  const vault = await openVault(options, { timeoutMs: options.timeout ?? DEFAULT_TIMEOUT_MS }, io)
  try {
    const yellow = colorsFor(io.stderr, io.env).yellow
    for (const { message } of risksOf(options, vault.provider.status().address, io.env)) {
      io.stderr.write(`${yellow('warning:')} ${printable(message, 500)}\n`)
    }
    return await describeLogin(vault, await firstVaultToken(vault, io.signal), io)
  } catch (error) {
    if (io.signal.aborted) return undefined
    throw noVaultToken(error, EXIT.bad)
  } finally {
    await vault.close()
  }
}

/** What `vault login` prints. Pure. */
function render(answer: LoginAnswer, options: LoginOptions, format: 'table' | 'json', io: CommandIo): string {
  if (options.field !== undefined) {
    const value = loginField(answer, options.field)
    const text = format === 'json' ? printableJson(value, 2) : renderField(value)
    // As `vault login` does: what another program reads ends where the value ends.
    return io.stdout.isTTY ? `${text}\n` : text
  }
  if (format === 'json') return `${printableJson(loginJson(answer), 2)}\n`
  return renderLoginTable(answer, options.store === true)
}

function formatOf(env: CommandIo['env']): 'table' | 'json' {
  const format = env.BAO_FORMAT || env.VAULT_FORMAT || 'table'
  if (format === 'table' || format === 'json') return format
  throw new InvalidArgumentError('The variable VAULT_FORMAT must be table or json here.')
}

async function store(token: string, { env }: CommandIo): Promise<void> {
  const path = tokenHelperPath(env)
  try {
    await replaceFile(path, token, { mode: 0o600 })
  } catch (error) {
    const message = `The token could not be stored: ${(error as Error).message}`
    throw new CliError(message, { code: 'ERR_STORE', exitCode: EXIT.bad })
  }
}

/** `vault login` takes `role=app`. What it would take besides, `jwt=…`, has no place on a command line. */
function parseRoleArgument(text: string): string {
  const [, role] = /^role=(.+)$/s.exec(parseText(text)) ?? []
  if (role !== undefined) return role
  throw new InvalidArgumentError(
    'Only role=NAME is understood. The JWT is read from the file of --token-path.',
  )
}
