import type { VaultStatus } from '@projected-token/vault'
import { type Colors, colorsFor } from '../colors.js'
import { formatTime } from '../format.js'
import type { CommandIo } from '../io.js'
import { printable, printableJson } from '../printable.js'

/** What `vault exec` and `vault agent` tell. */
export type SessionEvent =
  | 'login'
  | 'renewed'
  | 'failed'
  | 'recovered'
  | 'jwt-refused'
  | 'expired'
  | 'warning'
  | 'sink'
  | 'sink-failed'
  | 'ready'
  | 'not-ready'
  | 'child-started'
  | 'child-signalled'
  | 'child-restarting'
  | 'child-killed'
  | 'child-ended'
  | 'notified'
  | 'token-replaced'
  | 'ended'

/** Numbers and texts, none of them secret. */
export type Details = Readonly<Record<string, string | number | readonly string[] | undefined>>

export interface SessionLog {
  tell(event: SessionEvent, details?: Details): void
}

/** What is told to somebody who only wants to hear of what needs them. */
const TROUBLE: ReadonlySet<SessionEvent> = new Set([
  'failed',
  'recovered',
  'jwt-refused',
  'expired',
  'warning',
  'sink-failed',
  'child-signalled',
  'child-restarting',
  'child-killed',
  'token-replaced',
])
const BAD: ReadonlySet<SessionEvent> = new Set([
  'failed',
  'jwt-refused',
  'expired',
  'sink-failed',
  'child-killed',
])
const NAME_WIDTH = 16

/**
 * Writes one line for each event to stderr, where it mixes with nothing that a child prints for another program.
 *
 * @param how `quiet`: only trouble; `json`: everything, as JSON
 */
export function createSessionLog(
  io: CommandIo,
  how: 'all' | 'quiet' | 'json',
  status: () => VaultStatus | undefined,
): SessionLog {
  const colors = colorsFor(io.stderr, io.env)
  return {
    tell(event, details = {}) {
      if (how === 'quiet' && !TROUBLE.has(event)) return
      const time = formatTime(io.clock.now())
      if (how === 'json') io.stderr.write(`${printableJson({ time, event, ...details, status: status() })}\n`)
      else io.stderr.write(renderLine(time, event, details, colors))
    },
  }
}

function renderLine(time: string, event: SessionEvent, details: Details, colors: Colors): string {
  const paint = BAD.has(event)
    ? colors.red
    : event === 'login' || event === 'ready'
      ? colors.green
      : colors.dim
  const { message, ...rest } = details
  const words = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join(',') : value}`)
  const text = printable([...words, ...(message === undefined ? [] : [message])].join(' '), 2_000)
  return `${colors.dim(time)}  ${paint(event.padEnd(NAME_WIDTH))}  ${text}`.trimEnd().concat('\n')
}
