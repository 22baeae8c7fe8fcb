import { constants } from 'node:os'
import { InvalidArgumentError } from 'commander'

/** What happens to a child when another Vault token has replaced the one that it was started with. */
export type OnChange =
  | { readonly action: 'none' }
  | { readonly action: 'restart' }
  | { readonly action: 'signal'; readonly signal: NodeJS.Signals }

/** Reads `none`, `restart`, `signal:HUP` or `signal:SIGHUP`. */
export function parseOnChange(text: string): OnChange {
  if (text === 'none' || text === 'restart') return { action: text }
  const [, name = ''] = /^signal:(?:SIG)?([A-Z0-9]+)$/.exec(text) ?? []
  const signal = `SIG${name}` as NodeJS.Signals
  if (name !== '' && signal in constants.signals) return { action: 'signal', signal }
  throw new InvalidArgumentError('Expected none, restart or signal:NAME, such as signal:HUP.')
}
