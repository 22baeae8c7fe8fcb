import type { ChannelCredentials } from '@grpc/grpc-js'
import { type Clock, systemClock, type TokenProvider } from '@projected-token/core'
import { argumentError, checkOptions, isClock, kindOf } from '@projected-token/core/provider'
import { checkProvider } from './check-provider.js'
import { createTokenCredentials } from './token-credentials.js'
import { tokenSourceOf } from './token-source.js'

/** Options of {@link createChannelCredentials}. */
export interface ChannelCredentialsOptions {
  /** Time as a parameter, for tests; its timers are not used. @default the machine's clock */
  clock?: Clock | undefined
}

/**
 * Makes channel credentials that add `authorization: Bearer <token>` to every call by the rules of gRFC A97.
 *
 * @param channelCredentials what encrypts the channel: `grpc.credentials.createSsl(...)`, say. Where they add a token of
 *   this package already, that one is sent. Compose call credentials of other kinds with the result, not with these.
 * @throws TypeError (`ERR_GRPC_INSECURE_CHANNEL`) when that encrypts nothing; (`ERR_INVALID_ARG_TYPE`) for other bad
 *   arguments.
 */
export function createChannelCredentials(
  provider: TokenProvider,
  channelCredentials: ChannelCredentials,
  options: ChannelCredentialsOptions = {},
): ChannelCredentials {
  checkProvider(provider)
  if (typeof channelCredentials?.compose !== 'function') {
    throw argumentError(
      'type',
      `'channelCredentials' must be the ChannelCredentials of @grpc/grpc-js; got ${kindOf(channelCredentials)}`,
    )
  }
  const { clock = systemClock } = checkOptions(options, { clock: isClock })
  const callCredentials = createTokenCredentials({
    source: tokenSourceOf(provider, clock),
    channel: 'encrypted',
    others: [],
  })
  try {
    return channelCredentials.compose(callCredentials)
  } catch (cause) {
    throw Object.assign(
      new TypeError(
        "The token must not be sent in plaintext: 'channelCredentials' must be secure, as those of grpc.credentials.createSsl() are. Only call credentials with { requireTransportSecurity: false } send it over an insecure channel",
        { cause },
      ),
      { code: 'ERR_GRPC_INSECURE_CHANNEL' },
    )
  }
}
