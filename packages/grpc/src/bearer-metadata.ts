import { Metadata } from '@grpc/grpc-js'
import type { Token } from '@projected-token/core'
import { refuse } from './call-failure.js'

/** A token, and what is sent of it: made once, to be copied from and never given away. */
export interface Bearer {
  readonly token: Token
  readonly metadata: Metadata
}

/** Remembers the last one, so that a valid token costs no new string. */
export function createBearerMetadata(): (token: Token) => Bearer {
  let last: Bearer | undefined
  return (token) => {
    if (last === undefined || last.token !== token) {
      const metadata = new Metadata()
      metadata.set('authorization', `Bearer ${checkSecret(token)}`)
      last = { token, metadata }
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
