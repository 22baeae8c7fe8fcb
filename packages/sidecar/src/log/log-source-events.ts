import { type Token, tokenFingerprint } from '@projected-token/core'
import type { FastifyBaseLogger } from 'fastify'
import type { Source } from '../source.js'

/** Logs what happens to a token: by its name and fingerprint, never by itself. */
export function logSourceEvents(source: Source, log: FastifyBaseLogger): void {
  const about = { source: source.name, kind: source.kind }
  if (source.kind === 'projected') {
    source.provider
      .on('rotated', ({ token, previous }) =>
        log.info(
          { ...about, ...describe(token), previous: tokenFingerprint(previous.token) },
          'token rotated',
        ),
      )
      .on('failed', ({ error }) => log.warn({ ...about, ...failure(error) }, 'token cannot be read'))
      .on('recovered', ({ failures }) => log.info({ ...about, failures }, 'token can be read again'))
      .on('overdue', ({ token, rotationDueAtMs }) =>
        log.warn(
          { ...about, ...describe(token), rotationDueAt: time(rotationDueAtMs) },
          'token is not rotated',
        ),
      )
      .on('expired', ({ token }) => log.error({ ...about, ...describe(token) }, 'token has expired'))
      .on('watch', (health) => log.info({ ...about, watch: health }, 'watch has changed'))
  } else {
    source.provider
      .on('login', ({ token, accessor }) =>
        log.info({ ...about, accessor, expiresAt: time(token.expiresAtMs) }, 'logged in to Vault'),
      )
      .on('renewed', ({ token, leaseMs }) =>
        log.debug({ ...about, leaseMs, expiresAt: time(token.expiresAtMs) }, 'Vault token renewed'),
      )
      .on('failed', ({ error, class: failureClass }) =>
        log.warn({ ...about, class: failureClass, ...failure(error) }, 'no answer as wished from Vault'),
      )
      .on('jwtRefused', ({ fingerprint, error }) =>
        log.warn({ ...about, fingerprint, ...failure(error) }, 'Vault refused the JWT'),
      )
      .on('recovered', ({ failures }) => log.info({ ...about, failures }, 'Vault answers again'))
      .on('expired', () => log.error(about, 'Vault token has expired'))
  }
  source.provider.getToken().then(
    // A login has told it already.
    (token) => source.kind === 'projected' && log.info({ ...about, ...describe(token) }, 'token is there'),
    (error: Error) => {
      // One that was closed before it had a token has not failed: whoever closed it says why.
      if (source.provider.status().state !== 'closed')
        log.error({ ...about, ...failure(error) }, 'no valid token yet')
    },
  )
}

const describe = (token: Token) => ({
  fingerprint: tokenFingerprint(token.token),
  expiresAt: time(token.expiresAtMs),
})

/** The message alone: where the failure was noticed in this program is of no interest. */
const failure = (error: Error & { code?: string }) => ({ code: error.code, reason: error.message })

const time = (timeMs: number | undefined) =>
  timeMs === undefined || Math.abs(timeMs) > 8.64e15 ? undefined : new Date(timeMs).toISOString()
