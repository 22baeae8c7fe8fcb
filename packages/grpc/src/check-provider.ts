import type { TokenProvider } from '@projected-token/core'
import { argumentError, isTokenProvider, kindOf } from '@projected-token/core/provider'

/** @throws TypeError (`ERR_INVALID_ARG_TYPE`) */
export function checkProvider(provider: TokenProvider): void {
  const failure = isTokenProvider(provider)
  if (failure) {
    throw argumentError('type', `'provider' must be ${failure.expected}; got ${kindOf(provider)}`)
  }
}
