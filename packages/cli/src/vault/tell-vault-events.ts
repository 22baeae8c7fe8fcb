import { formatTime } from '../format.js'
import type { OpenVault } from './open-vault.js'
import type { SessionLog } from './session-log.js'

/** Tells what happens to a login and to the token file, without their secrets. */
export function tellVaultEvents({ provider, jwt }: OpenVault, log: SessionLog): void {
  const lease = () => {
    const { token, role, mount } = provider.status()
    const { accessor, policies, expiresAtMs } = token ?? {}
    const expires = expiresAtMs === undefined ? 'never' : formatTime(expiresAtMs)
    return { mount, role, accessor, policies, expires }
  }
  jwt
    .on('failed', ({ error: { code, message } }) => log.tell('failed', { class: 'jwt-file', code, message }))
    .on('recovered', ({ failures }) => log.tell('recovered', { class: 'jwt-file', failures }))
  provider
    .on('login', () => {
      log.tell('login', lease())
      for (const code of provider.status().warnings) log.tell('warning', { code, message: WARNINGS[code] })
    })
    .on('renewed', () => log.tell('renewed', lease()))
    .on('failed', ({ error, class: failure }) => {
      log.tell('failed', { class: failure, code: error.code, message: error.message })
    })
    .on('recovered', ({ failures }) => log.tell('recovered', { failures }))
    .on('jwtRefused', ({ fingerprint, error }) => {
      log.tell('jwt-refused', { fingerprint, code: error.code, message: 'This JWT is not sent again' })
    })
    .on('expired', () => log.tell('expired', { accessor: provider.status().token?.accessor }))
}

const WARNINGS = {
  ZERO_LEASE:
    'Vault does not say how long the token lives. It counts for a second, and five minutes later another one is asked for: set token_ttl',
  ROOT_TOKEN: "The role gives root's token",
} as const
