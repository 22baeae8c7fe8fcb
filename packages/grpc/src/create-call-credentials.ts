import type { CallCredentials } from '@grpc/grpc-js'
import { type Clock, systemClock, type TokenProvider } from '@projected-token/core'
import { checkOptions, isBoolean, isClock } from '@projected-token/core/provider'
import { checkProvider } from './check-provider.js'
import { createTokenCredentials } from './token-credentials.js'
import { tokenSourceOf } from './token-source.js'

/** Options of {@link createCallCredentials}. */
export interface CallCredentialsOptions {
  /**
   * Whether a channel has to be known as encrypted before the token is sent. `false` sends it over any channel, also in
   * plaintext, where everybody on the way can read and use it; there is no other exception, not for the loopback
   * address nor for Unix sockets. The name is that of grpc-go's `RequireTransportSecurity`.
   *
   * @default true
   */
  requireTransportSecurity?: boolean | undefined
  /** Time as a parameter, for tests; its timers are not used. @default the machine's clock */
  clock?: Clock | undefined
}

/**
 * Makes call credentials that add `authorization: Bearer <token>` by the rules of gRFC A97, for single calls
 * (`client.get(request, { credentials })`) on a channel of {@link createChannelCredentials}, whose token they replace.
 * Compose others with them (`ours.compose(others)`), not them with others.
 *
 * On another channel, even an encrypted one, and in `channelCredentials.compose(...)` they refuse (UNAUTHENTICATED):
 * grpc-js does not tell them whether it is encrypted.
 *
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`)
 */
export function createCallCredentials(
  provider: TokenProvider,
  options: CallCredentialsOptions = {},
): CallCredentials {
  checkProvider(provider)
  const { requireTransportSecurity = true, clock = systemClock } = checkOptions(options, {
    requireTransportSecurity: isBoolean,
    clock: isClock,
  })
  return createTokenCredentials({
    source: tokenSourceOf(provider, clock),
    channel: requireTransportSecurity ? 'unknown' : 'any',
    others: [],
  })
}
