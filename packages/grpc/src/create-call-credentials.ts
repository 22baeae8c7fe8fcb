import type { CallCredentials } from '@grpc/grpc-js'
import type { Clock, TokenProvider } from '@projected-token/core'
import { checkClock, checkOptionNames, checkProvider, invalidArgument, kindOf } from './check-arguments.js'
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
  checkOptionNames(options, ['requireTransportSecurity', 'clock'])
  const { requireTransportSecurity = true, clock } = options
  if (typeof requireTransportSecurity !== 'boolean') {
    throw invalidArgument(
      `'requireTransportSecurity' must be a boolean, got ${kindOf(requireTransportSecurity)}`,
    )
  }
  return createTokenCredentials({
    source: tokenSourceOf(provider, checkClock(clock)),
    channel: requireTransportSecurity ? 'unknown' : 'any',
    others: [],
  })
}
