import { type Command, InvalidArgumentError } from 'commander'
import { EXIT } from '../exit-codes.js'
import type { CommandIo } from '../io.js'
import { parseText } from '../options.js'
import { runSession } from '../vault/run-session.js'
import { addSessionOptions, type SessionOptions } from '../vault/session-options.js'
import { addVaultOptions } from '../vault/vault-options.js'

interface AgentOptions extends SessionOptions {
  readyFile?: string
  notify?: string
}

/** 31 years: an agent goes on trying. */
const FOR_EVER_MS = 1e12

const HELP = `
Examples:
  $ projected-token vault agent --role app --sink /run/vault/token
  $ projected-token vault agent --role app --audience vault --token-path /var/run/secrets/tokens/vault \\
      --sink file=/run/vault/token,mode=0440,owner=:2000 --sink file=/run/vault/token.json,format=json \\
      --ready-file /run/vault/ready --json
      two files, a readiness file for a probe, JSON logs
  $ projected-token vault agent --role app --sink /run/vault/token --notify 'pkill -HUP nginx'
  $ projected-token vault agent --role app --sink /run/vault/token --on-change signal:HUP -- nginx -g 'daemon off;'

A sink's file is replaced as a whole: a reader sees the old token or the new one. --notify runs in the shell when
there is a first token and another one, with PROJECTED_TOKEN_EVENT=ready or changed, and without the token. sd_notify
is a command away: --notify 'systemd-notify --ready'.

Exit codes: 0 stopped by SIGTERM, SIGINT, SIGHUP or SIGQUIT; with a COMMAND its own, 128 and the signal's number, 126
or 127, as for vault exec; 1 no Vault token within --timeout, or never: the role is unknown; or a file that cannot be
written; 2 usage.`

/** `vault agent`: keeps a Vault token in files. */
export function registerVaultAgent(group: Command, io: CommandIo, finish: (exitCode: number) => void): void {
  const command = group
    .command('agent')
    .summary('keep a Vault token in files, for as long as it runs')
    .description('Logs in to Vault, keeps the token alive and in files, and tells what happens on stderr.')
    .usage('[options] [-- COMMAND [ARGUMENT...]]')
    .argument('[command...]', 'a command to run meanwhile, after --, as vault exec does')
  addSessionOptions(addVaultOptions(command, 'how long to wait for the first token (default: for ever)'))
    .option('--ready-file <file>', 'is there while there is a token to use, in all sinks', parseText)
    .option('--notify <line>', 'a line for the shell when there is a token, and another one', parseText)
    .addHelpText('after', HELP)
    .action(async (words: string[], options: AgentOptions) => {
      if (options.sink === undefined && words.length === 0) {
        throw new InvalidArgumentError(
          'Nothing would get the token: give --sink FILE, or a command after --.',
        )
      }
      const end = await runSession(
        {
          options,
          command: words,
          readyFile: options.readyFile,
          notify: options.notify,
          timeoutMs: options.timeout ?? FOR_EVER_MS,
          failureExitCode: EXIT.bad,
          isQuiet: false,
        },
        io,
      )
      finish('stoppedBy' in end ? EXIT.ok : end.exitCode)
    })
}
