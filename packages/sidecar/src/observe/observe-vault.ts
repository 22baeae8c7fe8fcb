import type { VaultEvents, VaultTokenProvider } from '@projected-token/vault'
import type { Happening } from './happening.js'
import { timeText } from './page/time-text.js'

type Tell = { [Name in keyof VaultEvents]: (payload: VaultEvents[Name]) => Happening | undefined }

/** Turns the events of a login to Vault into sentences. @returns a function that ends it. */
export function observeVault(
  provider: VaultTokenProvider,
  onHappening: (happening: Happening) => void,
): () => void {
  const { span } = timeText()
  const tell: Tell = {
    login: ({ previous }) => ({
      type: 'login',
      severity: 'good',
      text: previous ? 'Logged in again: another token replaced the one before' : 'Logged in',
    }),
    renewed: ({ leaseMs }) => ({
      type: 'renewed',
      severity: 'good',
      text: Number.isFinite(leaseMs) ? `The lease was renewed for ${span(leaseMs)}` : 'The lease was renewed',
    }),
    failed: ({ error }) => ({ type: 'failed', severity: 'error', code: error.code, text: error.message }),
    recovered: ({ failures }) => ({
      type: 'recovered',
      severity: 'good',
      text: `Vault grants again after ${failures} ${failures === 1 ? 'failure' : 'failures'}`,
    }),
    jwtRefused: ({ fingerprint, error }) => ({
      type: 'jwtRefused',
      severity: 'error',
      code: error.code,
      text: `Vault refused the JWT ${fingerprint}: it is not sent again`,
    }),
    expired: () => ({
      type: 'expired',
      severity: 'error',
      text: 'The Vault token ended and nothing replaced it: callers get errors',
    }),
    // The other states have an event of their own.
    state: ({ to }) =>
      to === 'failed'
        ? {
            type: 'stopped',
            severity: 'error',
            text: 'No further login is tried: the configuration is wrong',
          }
        : undefined,
  }
  const observe = <Name extends keyof VaultEvents>(name: Name) => {
    const listener = (payload: VaultEvents[Name]) => {
      const happening = tell[name](payload)
      if (happening) onHappening(happening)
    }
    provider.on(name, listener)
    return () => void provider.off(name, listener)
  }
  const stops = (Object.keys(tell) as (keyof VaultEvents)[]).map((name) => observe(name))
  return () => {
    for (const stop of stops) stop()
  }
}
