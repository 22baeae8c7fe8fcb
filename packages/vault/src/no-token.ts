import type { Clock } from '@projected-token/core'
import type { LoginPlace } from './describe-failure.js'
import type { SessionLoop } from './session-loop-types.js'
import { VaultError } from './vault-error.js'

/** Why there is no token although nothing has failed. */
export function noTokenYet(
  { address, mount, role }: LoginPlace,
  loop: SessionLoop,
  clock: Clock,
): VaultError {
  const where = `Vault at ${address} (auth/${mount}, role '${role}')`
  if (!loop.held && loop.isAskingForJwt) {
    const message = `The login at ${where} waits for a JWT: its provider has given none yet`
    return new VaultError(message, { code: 'ERR_VAULT_JWT_UNAVAILABLE' })
  }
  if (!loop.held) {
    return new VaultError(`${where} has not answered the login yet`, { code: 'ERR_VAULT_UNAVAILABLE' })
  }
  const waitMs = loop.nextAtMs - clock.monotonicNow()
  const next =
    waitMs > 0 && Number.isFinite(waitMs) ? `; the next step is due in ${Math.ceil(waitMs / 1_000)} s` : ''
  const message = `The token of ${where} has expired or was revoked, and no login has replaced it yet${next}`
  return new VaultError(message, { code: 'ERR_VAULT_TOKEN_EXPIRED' })
}

export function providerClosed({ address }: LoginPlace): VaultError {
  return new VaultError(`The token provider for Vault at ${address} was closed`, { code: 'ERR_VAULT_CLOSED' })
}
