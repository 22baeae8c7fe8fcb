import { type CallCredentials, credentials, InterceptingCall, type Interceptor, status } from '@grpc/grpc-js'
import { type ObservedCall, refusedToken, withObservedCall } from './observed-call.js'
import { insideOf, withOther } from './token-credentials.js'

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
    const call: ObservedCall = { hasOwnHeader: false, sent: [] }
    const observed = observeCredentials(unobserved(options.credentials) ?? empty, call)
    return new InterceptingCall(nextCall({ ...options, credentials: observed }), {
      start(metadata, _listener, next) {
        call.hasOwnHeader = metadata.get('authorization').length > 0
        next(metadata, {
          onReceiveStatus(outcome, nextStatus) {
            if (outcome.code === status.UNAUTHENTICATED) {
              const refused = refusedToken(call)
              refused?.source.refused(refused.token)
            }
            nextStatus(outcome)
          },
        })
      },
    })
  }
}

const empty = credentials.createEmpty()

/** Registered, so that the ESM and the CJS copy of this package know each other's. */
const OBSERVED: unique symbol = Symbol.for('@projected-token/grpc: observed credentials') as never

type ObservedCredentials = CallCredentials & { readonly [OBSERVED]: CallCredentials }

/** Of two of these interceptors the one that is nearer to the call sees all that the other one does. */
function unobserved(own: CallCredentials | undefined): CallCredentials | undefined {
  return (own as Partial<ObservedCredentials> | undefined)?.[OBSERVED] ?? own
}

/** The credentials of one call, which tell what of this package was sent with it. */
function observeCredentials(own: CallCredentials, call: ObservedCall): CallCredentials {
  const observed: ObservedCredentials = {
    [OBSERVED]: own,
    async generateMetadata(info) {
      try {
        return await own.generateMetadata(withObservedCall(info, call))
      } catch (error) {
        call.sent.push(undefined)
        throw error
      }
    },
    compose(other) {
      const channels = insideOf(other)
      const isForeign = insideOf(own) === undefined && !empty._equals(own)
      // grpc-js would have both add a header. So ours ask the others.
      const composed = channels && isForeign ? withOther(channels, own) : own.compose(other)
      return empty._equals(composed) ? composed : observeCredentials(composed, call)
    },
    _equals: (other) => own._equals(other),
  }
  return observed
}
