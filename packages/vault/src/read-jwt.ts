import type { Token } from '@projected-token/core'
import { abortable, setAwakeTimer } from '@projected-token/core/provider'
import { identifyJwt, type JwtIdentity } from './jwt-identity.js'
import { linkAbort } from './link-abort.js'
import type { ProviderSettings } from './provider-settings.js'

/** A JWT to log in with, or why there is none. */
export type JwtRead =
  | { readonly secret: string; readonly identity: JwtIdentity }
  | { readonly cause: unknown }

/**
 * Asks the provider of the JWT, anew for each attempt, and once more when Vault has refused the one it gives: the file
 * may hold another one already. Its answer is trimmed, and nothing of it is kept.
 */
export async function readJwt(
  { jwt, clock, requestTimeoutMs }: ProviderSettings,
  isRefused: (jwt: JwtIdentity) => boolean,
  closing: AbortSignal,
): Promise<JwtRead> {
  const late = new AbortController()
  const cancel = setAwakeTimer(
    clock,
    () => late.abort(new Error(`The provider of the JWT gave none within ${requestTimeoutMs / 1_000} s`)),
    requestTimeoutMs,
  )
  const unlink = linkAbort(late, closing)
  const { signal } = late
  const ask = async () => {
    const token: Token = await abortable(() => jwt.getToken({ signal }), signal)
    const secret = String(token.token).trim()
    if (secret === '') throw new Error('The provider of the JWT gave an empty one')
    return { token, secret, identity: identifyJwt(secret) }
  }
  try {
    let read = await ask()
    if (isRefused(read.identity)) {
      const { token } = read
      // Whatever a foreign one makes of that (it may be `async`) harms neither the second look nor the process.
      ;(async () => jwt.invalidate(token))().catch(() => {})
      read = await ask()
    }
    return { secret: read.secret, identity: read.identity }
  } catch (cause) {
    return { cause }
  } finally {
    cancel()
    unlink()
  }
}

/** Which JWT there is now; without waiting where the provider can say so. `undefined`: none. */
export async function peekJwt(
  settings: ProviderSettings,
  closing: AbortSignal,
): Promise<JwtIdentity | undefined> {
  const { current } = settings.jwt
  if (current !== undefined) return identifyJwt(current.token.trim())
  const read = await readJwt(settings, () => false, closing)
  return 'identity' in read ? read.identity : undefined
}
