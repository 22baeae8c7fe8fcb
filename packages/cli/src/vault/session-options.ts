import { type Command, Option } from 'commander'
import { addJson, durationFrom } from '../options.js'
import { type OnChange, parseOnChange } from './on-change.js'
import { parseSink, type SinkSpec } from './sink-spec.js'
import type { VaultOptions } from './vault-options.js'

/** What `vault exec` and `vault agent` have in common. */
export interface SessionOptions extends VaultOptions {
  sink?: SinkSpec[]
  onChange: OnChange
  killTimeout: number
  loginSpread?: number
  keepVaultToken?: true
  revoke?: true
}

/** Shorter than the 30 s that Kubernetes gives a pod to end. */
const DEFAULT_KILL_TIMEOUT_MS = 20_000

/** Adds the options of {@link SessionOptions}, but for those of {@link VaultOptions}. */
export function addSessionOptions(command: Command): Command {
  const collect = (text: string, previous: SinkSpec[] | undefined) => [...(previous ?? []), parseSink(text)]
  return addJson(command, 'tell everything on stderr, one JSON object per line')
    .addOption(
      new Option(
        '--sink <sink>',
        'keep the token in a file, PATH or file=PATH[,mode=0640][,owner=UID[:GID]][,format=token|json]; repeatable',
      ).argParser(collect),
    )
    .addOption(
      new Option('--on-change <action>', 'when a new login replaced the token: none, restart or signal:NAME')
        .argParser(parseOnChange)
        .default({ action: 'none' }, 'none'),
    )
    .addOption(
      new Option(
        '--kill-timeout <duration>',
        'how long a command may take to end for a restart, and a --notify line, before it is killed',
      )
        .argParser(durationFrom(0, 3_600_000, 'a duration up to 1h'))
        .default(DEFAULT_KILL_TIMEOUT_MS, '20s'),
    )
    .option(
      '--login-spread <duration>',
      'over how long the logins of many pods spread after an outage (default: 5 % of the TTL)',
      durationFrom(5_000, 86_400_000, 'a duration from 5s to 1d'),
    )
    .option('--keep-vault-token', 'leave an inherited VAULT_TOKEN to the command, and give it none')
    .option('--revoke', 'revoke the token at the end, and remove the sinks')
}
