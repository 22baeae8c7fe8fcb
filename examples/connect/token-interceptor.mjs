// An interceptor for every transport of Connect (connect-node, connect-web) and each of its protocols.
import { Code, ConnectError } from '@connectrpc/connect'

/** Adds the provider's current token to each call for one of the origins, and reports tokens that a server refuses. */
export function createTokenInterceptor(provider, origins) {
  const obtain = (signal) =>
    provider.getToken({ signal }).catch((error) => {
      signal.throwIfAborted()
      throw new ConnectError(error.message, Code.Unavailable, undefined, undefined, error)
    })
  return (next) => async (request) => {
    if (!origins.includes(new URL(request.url).origin)) return next(request)
    if (request.header.has('authorization')) return next(request) // the caller's own wins
    const token = provider.current ?? (await obtain(request.signal))
    request.header.set('authorization', `Bearer ${token.token}`)
    const report = (error) => {
      if (ConnectError.from(error).code === Code.Unauthenticated) provider.invalidate(token)
      throw error
    }
    const response = await next(request).catch(report)
    // A refused stream is told of when it is read.
    return response.stream ? { ...response, message: reporting(response.message, report) } : response
  }
}

async function* reporting(messages, report) {
  try {
    yield* messages
  } catch (error) {
    report(error)
  }
}
