import { type CallCredentials, credentials, InterceptingCall, type Interceptor, status } from '@grpc/grpc-js'
import { insideOf, joinForeign, type ObservedCall } from './token-credentials.js'

/**
 * Makes a client interceptor for what call credentials cannot see: the call's metadata, and its outcome.
 *
 * - A call whose metadata has an `authorization` is sent with that one, and without a token. Without the interceptor
 *   grpc-js fails such a call (INTERNAL), since it would have two.
 * - A call that the server ends with UNAUTHENTICATED is reported to the provider whose token it carried
 *   (`invalidate`), so that later calls get another token where there is one. The call itself is not retried.
 *
 * It adds no token: that remains with the credentials of this package. Put it last, next to the call, where it sees what
 * other interceptors add.
 */
export function createTokenInterceptor(): Interceptor {
  return (options, nextCall) => {
    const call: ObservedCall = { hasOwnHeader: false, sent: undefined }
    const observed = observeCredentials(options.credentials ?? empty, call)
    return new InterceptingCall(nextCall({ ...options, credentials: observed }), {
      start(metadata, _listener, next) {
        call.hasOwnHeader = metadata.get('authorization').length > 0
        next(metadata, {
          onReceiveStatus(outcome, nextStatus) {
            if (outcome.code === status.UNAUTHENTICATED) call.sent?.source.refused(call.sent.token)
            nextStatus(outcome)
          },
        })
      },
    })
  }
}

const empty = credentials.createEmpty()

/** The credentials of one call, which tell what of this package was sent with it. */
function observeCredentials(own: CallCredentials, call: ObservedCall): CallCredentials {
  return {
    generateMetadata: (info) => insideOf(own)?.generate(info, call) ?? own.generateMetadata(info),
    compose(other) {
      const channels = insideOf(other)
      const isForeign = insideOf(own) === undefined && !empty._equals(own)
      // grpc-js would have both add a header.
      const composed = channels && isForeign ? joinForeign(channels, own) : own.compose(other)
      return insideOf(composed) ? observeCredentials(composed, call) : composed
    },
    _equals: (other) => own._equals(other),
  }
}
