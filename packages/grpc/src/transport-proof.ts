/**
 * What tells that a call's channel is encrypted. grpc-js does not: it gives call credentials a `service_url` that
 * begins with https on every channel, and sends them over plaintext without a word. So the way that the credentials
 * came must tell, and what it leaves open counts as plaintext.
 */
export interface TransportProof {
  isGiven(): boolean
  /** Whether it was given from the beginning, and for good. */
  readonly isPermanent: boolean
  /** What is left of it in credentials that are yet to meet their channel. */
  beforeChannel(): TransportProof
}

export const NO_PROOF: TransportProof = {
  isGiven: () => false,
  isPermanent: false,
  beforeChannel: () => NO_PROOF,
}

/** Of credentials that only grpc-js' composed channel credentials hold, which refuse to be insecure. */
export const MADE_FOR_CHANNEL: TransportProof = {
  isGiven: () => true,
  isPermanent: true,
  beforeChannel: () => MADE_FOR_CHANNEL,
}

/**
 * Of credentials that are composed with empty ones, which grpc-js does in two places. Credentials that are part of
 * (secure) channel credentials are composed when a connection is begun, and asked for metadata when it is
 * established, turns of the event loop later. Those of a single call are composed with what the channel has, which may
 * be insecure, and asked in the very same turn: so before this proof is given.
 */
export function composedWithChannel(): TransportProof {
  let isOver = false
  queueMicrotask(() => {
    isOver = true
  })
  return { isGiven: () => isOver, isPermanent: false, beforeChannel: () => NO_PROOF }
}
