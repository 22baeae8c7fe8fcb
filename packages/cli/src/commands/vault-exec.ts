import { constants } from 'node:os'
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.js'
import type { CommandIo } from '../io.js'
import { runSession } from '../vault/run-session.js'
import { addSessionOptions, type SessionOptions } from '../vault/session-options.js'
import { addVaultOptions } from '../vault/vault-options.js'

const DEFAULT_TIMEOUT_MS = 60_000

const HELP = `
Examples:
  $ projected-token vault exec --role app -- vault kv get secret/app
  $ projected-token vault exec --role app --audience vault --token-path /var/run/secrets/tokens/vault \\
      --on-change restart -- ./server --port 8080
      started again, with the new token, when the maximum TTL has ended the old one
  $ projected-token vault exec --role app --sink /run/app/token --on-change signal:HUP -- nginx
      re-reads the file: the environment of a running process cannot be changed

The command gets VAULT_ADDR and VAULT_TOKEN, this process' terminal, input and outputs, and SIGINT, SIGTERM, SIGHUP,
SIGQUIT, SIGUSR1 and SIGUSR2. An inherited VAULT_TOKEN or BAO_TOKEN is dropped. A renewal keeps the token, so that
nothing has to change; only another login, at the maximum TTL for instance, gives another one.

Exit codes: the command's own, 128 and the signal's number if a signal ended it (0 for a real-time signal, which Node
cannot tell from success); 2 usage, 125 no Vault token, or a sink that cannot be written, 126 the command may not be
executed, 127 it was not found.`

/** `vault exec`: runs a command with a Vault token. */
export function registerVaultExec(group: Command, io: CommandIo, finish: (exitCode: number) => void): void {
  const command = group
    .command('exec')
    .summary('run a command with a Vault token in its environment')
    .description(
      'Logs in to Vault, runs a command with VAULT_TOKEN and VAULT_ADDR, and keeps the token alive.',
    )
    .usage('[options] -- COMMAND [ARGUMENT...]')
    .argument('<command...>', 'the command, after --')
  addSessionOptions(addVaultOptions(command, 'how long to wait for the first token (default: 1m)'))
    .addHelpText('after', HELP)
    .action(async (words: string[], options: SessionOptions) => {
      const end = await runSession(
        {
          options,
          command: words,
          timeoutMs: options.timeout ?? DEFAULT_TIMEOUT_MS,
          failureExitCode: EXIT.notStarted,
          isQuiet: true,
        },
        io,
      )
      finish('stoppedBy' in end ? 128 + constants.signals[end.stoppedBy] : end.exitCode)
    })
}
