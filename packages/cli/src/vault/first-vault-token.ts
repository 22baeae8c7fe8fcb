import type { Token, TokenError } from '@projected-token/core'
import type { FailureClass, VaultError } from '@projected-token/vault'
import type { OpenVault } from './open-vault.js'

/** What time may heal within a timeout; of the rest somebody who waits at a prompt wants to know at once. */
const PASSING: readonly FailureClass[] = ['unavailable', 'sealed', 'rate-limited', 'jwt-not-yet-valid']

/**
 * The token of the first login, or the first failure that only somebody's hand can end: a refusal, a missing file.
 *
 * @throws the error of the provider, or of the watcher
 */
export function firstVaultToken({ provider, jwt }: OpenVault, signal: AbortSignal): Promise<Token> {
  return new Promise((resolve, reject) => {
    const onFailed = ({ error, class: failure }: { error: VaultError; class: FailureClass }) => {
      if (!PASSING.includes(failure)) reject(error)
    }
    const onUnread = ({ error }: { error: TokenError }) => reject(error)
    provider.on('failed', onFailed)
    jwt.on('failed', onUnread)
    provider
      .getToken({ signal })
      .then(resolve, reject)
      .finally(() => {
        provider.off('failed', onFailed)
        jwt.off('failed', onUnread)
      })
  })
}
