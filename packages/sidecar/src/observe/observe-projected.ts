import type { Clock, TokenWatcher, TokenWatcherEvents } from '@projected-token/core'
import type { Happening } from './happening.js'
import { timeText } from './page/time-text.js'

type Tell = { [Name in keyof TokenWatcherEvents]: (payload: TokenWatcherEvents[Name]) => Happening }

/** Turns a watcher's events into sentences. @returns a function that ends it. */
export function observeProjected(
  watcher: TokenWatcher,
  clock: Clock,
  onHappening: (happening: Happening) => void,
): () => void {
  const { span } = timeText()
  const tell: Tell = {
    rotated: ({ previous }) => ({ type: 'rotated', severity: 'good', text: replaced(previous.expiresAtMs) }),
    failed: ({ error }) => ({ type: 'failed', severity: 'error', code: error.code, text: error.message }),
    recovered: ({ failures, sinceMs }) => ({
      type: 'recovered',
      severity: 'good',
      text: `Reads succeed again after ${failures} ${failures === 1 ? 'failure' : 'failures'} in ${span(clock.now() - sinceMs)}`,
    }),
    overdue: ({ rotationDueAtMs, token }) => ({
      type: 'overdue',
      severity: 'warning',
      text: `The kubelet should have replaced the token ${span(clock.now() - rotationDueAtMs)} ago; ${left(token.expiresAtMs)}`,
    }),
    expired: () => ({
      type: 'expired',
      severity: 'error',
      text: 'The token expired and nothing replaced it: callers get errors',
    }),
    watch: ({ state, reason }) => ({
      type: 'watch',
      severity: state === 'watching' ? 'good' : state === 'degraded' ? 'warning' : 'info',
      text: reason === undefined ? `The watch is ${state}` : `The watch is ${state}: ${reason}`,
    }),
  }
  const left = (expiresAtMs: number | undefined) =>
    expiresAtMs === undefined ? 'it does not expire' : `it expires in ${span(expiresAtMs - clock.now())}`
  const replaced = (expiresAtMs: number | undefined) => {
    const { token } = watcher.status()
    const name = token ? `Token ${token.fingerprint}` : 'A new token'
    if (expiresAtMs === undefined) return `${name} replaced the one before`
    const restMs = expiresAtMs - clock.now()
    return restMs > 0
      ? `${name} replaced the one before, ${span(restMs)} ahead of its expiry`
      : `${name} replaced the one before, ${span(-restMs)} after its expiry`
  }

  const observe = <Name extends keyof TokenWatcherEvents>(name: Name) => {
    const listener = (payload: TokenWatcherEvents[Name]) => onHappening(tell[name](payload))
    watcher.on(name, listener)
    return () => void watcher.off(name, listener)
  }
  const stops = (Object.keys(tell) as (keyof TokenWatcherEvents)[]).map((name) => observe(name))
  return () => {
    for (const stop of stops) stop()
  }
}
