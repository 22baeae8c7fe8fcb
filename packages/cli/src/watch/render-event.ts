import type { TokenWatcherStatus } from '@projected-token/core'
import type { Colors } from '../colors.js'
import { formatCount, formatDuration, formatTime } from '../format.js'
import { printable } from '../printable.js'
import type { WatchEvent, WatchEventName } from './watch-events.js'

const NAME_WIDTH = 9

/** One line for one event. Pure; every text from outside is made printable. */
export function renderEvent(event: WatchEvent, colors: Colors): string {
  const name = paint(event.event, colors)(event.event.padEnd(NAME_WIDTH))
  const details = printable(describe(event), 2_000)
  return `${colors.dim(event.time)}  ${name}  ${details}\n`
}

/** The line that counts down. Pure. */
export function renderCountdown(status: TokenWatcherStatus, nowMs: number, colors: Colors): string {
  const { token, rotationDueAtMs, reads, rotations, watch } = status
  const left = (timeMs: number, name: string, past: string) =>
    timeMs > nowMs
      ? `${name} in ${formatDuration(timeMs - nowMs)}`
      : `${past} ${formatDuration(nowMs - timeMs)} ago`
  const paintState = { valid: colors.green, starting: colors.yellow }[status.state as string] ?? colors.red
  const due =
    rotationDueAtMs === undefined ? undefined : left(rotationDueAtMs, 'rotation due', 'rotation was due')
  return [
    status.overdue && status.state === 'valid' ? colors.yellow('overdue') : paintState(status.state),
    token && colors.bold(token.fingerprint),
    token &&
      (token.expiresAtMs === undefined ? 'no known expiry' : left(token.expiresAtMs, 'expires', 'expired')),
    due,
    watch.state === 'watching' ? watch.state : colors.yellow(watch.state),
    plural(reads, 'read'),
    plural(rotations, 'rotation'),
  ]
    .filter((part) => part !== undefined)
    .join(colors.dim(' · '))
}

function plural(count: number, name: string): string {
  return `${formatCount(count)} ${name}${count === 1 ? '' : 's'}`
}

function paint(event: WatchEventName, colors: Colors): (text: string) => string {
  if (event === 'failed' || event === 'expired') return colors.red
  if (event === 'waiting' || event === 'overdue') return colors.yellow
  if (event === 'rotated' || event === 'started' || event === 'recovered') return colors.green
  return colors.dim
}

function describe(event: WatchEvent): string {
  const { status } = event
  switch (event.event) {
    case 'started':
      return `${describeToken(status)}${warnings(status)} path=${status.path}`
    case 'rotated':
      return `${describeToken(status)} previous=${event.previousFingerprint}`
    case 'waiting':
    case 'failed':
      return `code=${event.error?.code} ${event.error?.message}`
    case 'recovered':
      return `${describeToken(status)} failures=${event.failures}`
    case 'overdue':
      return `fingerprint=${status.token?.fingerprint} rotation-due=${time(status.rotationDueAtMs)}`
    case 'expired':
      return `fingerprint=${status.token?.fingerprint} expired=${time(status.token?.expiresAtMs)}`
    case 'watch': {
      const { state, directory, reason } = status.watch
      return `state=${state}${directory ? ` directory=${directory}` : ''}${reason ? ` (${reason})` : ''}`
    }
    case 'ended':
      return `reason=${event.reason} state=${status.state} reads=${status.reads} rotations=${status.rotations}`
  }
}

function describeToken({ token, rotationDueAtMs }: TokenWatcherStatus): string {
  if (!token) return 'no token'
  const due = rotationDueAtMs === undefined ? 'unknown' : time(rotationDueAtMs)
  const expires = token.expiresAtMs === undefined ? 'unknown' : time(token.expiresAtMs)
  return `fingerprint=${token.fingerprint} expires=${expires} rotation-due=${due}`
}

function warnings({ warnings }: TokenWatcherStatus): string {
  return warnings.length === 0 ? '' : ` warnings=${warnings.join(',')}`
}

function time(timeMs: number | undefined): string {
  return timeMs === undefined ? 'unknown' : formatTime(timeMs)
}
