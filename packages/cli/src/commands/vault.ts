import type { Command } from 'commander'
import type { CommandIo } from '../io.js'
import { registerVaultAgent } from './vault-agent.js'
import { registerVaultExec } from './vault-exec.js'
import { registerVaultLogin } from './vault-login.js'

const HELP = `
Examples:
  $ projected-token vault login --role app --field token
  $ projected-token vault exec --role app -- ./migrate.sh
  $ projected-token vault agent --role app --sink /run/vault/token

Options may be written as the vault CLI writes them, with one dash: -address=…, -format=json, -field=token.
The variables VAULT_ADDR, VAULT_NAMESPACE, VAULT_CACERT and so on count, and BAO_… before VAULT_….

Exit codes: 0 ok, 1 no Vault token, 2 usage; each command adds its own.`

/** `vault`: what can be done with a token for Vault. */
export function registerVault(program: Command, io: CommandIo, finish: (exitCode: number) => void): void {
  const group = program
    .command('vault')
    .summary('log in to Vault with the token: login, exec, agent')
    .description('Logs in to HashiCorp Vault or OpenBao with a Kubernetes service account token.')
    .addHelpText('after', HELP)
  for (const register of [registerVaultLogin, registerVaultExec, registerVaultAgent]) {
    register(group, io, finish)
  }
}
