import { Metadata } from '@grpc/grpc-js'
import type { Token } from '@projected-token/core'
import { refuse } from './call-failure.js'

/** A token, and what is sent of it: made once. grpc-js copies from the metadata and leaves it as it is. */
export interface Bearer {
  readonly token: Token
  readonly metadata: Metadata
  /** Fulfilled: what grpc-js asks for. */
  readonly promise: Promise<Metadata>
}

/** Remembers the last one, so that a valid token costs neither a new string nor a new promise. */
export function createBearerMetadata(): (token: Token) => Bearer {
  let last: Bearer | undefined
  return (token) => {
    if (last === undefined || last.token !== token) {
      const metadata = new Metadata()
      metadata.set('authorization', `Bearer ${checkSecret(token)}`)
      last = { token, metadata, promise: Promise.resolve(metadata) }
    }
    return last
  }
}

/** Checked here because the error of grpc-js about an invalid value quotes the value. */
function checkSecret(token: Token | undefined): string {
  const secret: unknown = token?.token
  if (typeof secret !== 'string' || !/^[\x21-\x7e]+$/.test(secret)) {
    throw refuse(
      'ERR_GRPC_INVALID_TOKEN',
      'The token provider gave a token that is not a non-empty string of visible ASCII; nothing was sent',
    )
  }
  return secret
}
