import { type CallFailure, refuse } from './call-failure.js'

/**
 * What is known of the channel. grpc-js tells nothing: it gives call credentials a `service_url` that begins with https
 * on every channel, and sends them over plaintext without a word. So only credentials that were made for channel
 * credentials, which refuse to be insecure, know theirs as `encrypted`; `any` will do for those that may go in
 * plaintext; and `unknown` counts as plaintext.
 */
export type ChannelKnowledge = 'unknown' | 'encrypted' | 'any'

/** @param askedByKnowing whether credentials that know the channel as encrypted ask for the token */
export function mayBeSent(channel: ChannelKnowledge, askedByKnowing: boolean): boolean {
  return channel !== 'unknown' || askedByKnowing
}

/** Of a call's own credentials and those of its channel, which know it. */
export function knowledgeOfBoth(own: ChannelKnowledge, channels: ChannelKnowledge): ChannelKnowledge {
  return channels === 'encrypted' ? 'encrypted' : own
}

export function plaintextRefused(): CallFailure {
  return refuse(
    'ERR_GRPC_INSECURE_CHANNEL',
    'The channel is not known to be encrypted, so no token was sent. Make its credentials with createChannelCredentials(provider, channelCredentials), not with channelCredentials.compose(); only { requireTransportSecurity: false } sends the token over any channel',
  )
}
