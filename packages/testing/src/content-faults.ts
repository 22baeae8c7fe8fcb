import { checkAudience, kindOf } from './check-options.js'
import type { Projection } from './projection.js'
import type { SerialQueue } from './serial-queue.js'
import type { IssuedToken } from './token-request.js'

/** How much older the token of `olderToken()` is when there is no earlier one. */
const OLDER_BY_SECONDS = 60

/**
 * Faults of what is in the file; each is written atomically. Except for `legacyToken()`, `current` stays the token
 * that a client should go on with, and the next rotation puts a good token in place.
 */
export interface ContentFaults {
  /** Puts any bytes under the token's name: empty, binary, several lines, a megabyte. */
  writeRaw(content: string | Uint8Array): Promise<void>
  /** The volume was set up for another audience. Gives the token that lies there now. @default 'another-audience' */
  wrongAudience(audience?: string | string[]): Promise<IssuedToken>
  /**
   * A token with a lower `iat` reappears, as after a restored backup or from a lagging replica: the previous one, or
   * one made 60 s before the current. Gives it.
   */
  olderToken(): Promise<IssuedToken>
  /**
   * The token of a Secret, as mounted before Kubernetes 1.22: no `exp`, `iat` or `aud`. It is a valid credential, so
   * it is `current`, and is never due for a rotation.
   */
  legacyToken(): Promise<IssuedToken>
}

/** See {@link ContentFaults}. */
export function createContentFaults(projection: Projection, serially: SerialQueue): ContentFaults {
  const { issuer, volume, writer } = projection
  const put = (data: Uint8Array) =>
    projection.holdFault('fault', async () => {
      await volume.mount()
      await writer.write(data, { force: true })
    })
  const putToken = async (issued: IssuedToken) => {
    await put(Buffer.from(issued.token))
    return issued
  }

  return {
    writeRaw(content) {
      if (typeof content !== 'string' && !(content instanceof Uint8Array)) {
        throw new TypeError(`'content' must be a string or a Uint8Array; got ${kindOf(content)}`)
      }
      return serially(() => put(Buffer.from(content)))
    },
    wrongAudience(audience = 'another-audience') {
      checkAudience('audience', audience)
      return serially(async () => putToken(await projection.request({ audience })))
    },
    olderToken: () =>
      serially(async () => {
        const { current, previous } = projection
        const currentIssuedAtMs = current.issuedAtMs ?? projection.now()
        if (previous?.issuedAtMs !== undefined && previous.issuedAtMs < currentIssuedAtMs)
          return putToken(previous)
        const iat = Math.floor(currentIssuedAtMs / 1_000) - OLDER_BY_SECONDS
        return putToken(await projection.request({ claims: { iat, nbf: iat } }))
      }),
    legacyToken: () => serially(async () => projection.publish(await issuer.issueLegacy())),
  }
}
