import { discardBody } from './discard-body.js'
import type { OriginPolicy } from './origin-policy.js'
import { isRedirect, redirectStep } from './redirect-step.js'
import type { RequestSnapshot } from './request-snapshot.js'
import type { AuthenticatedSend, Send } from './send-authenticated.js'

/**
 * Follows redirects here rather than in the underlying fetch, which would take a custom header to any origin and
 * cannot add the token anew for another listed one. A chain that leaves the listed origins goes on without the token
 * for good, as the Fetch Standard does with `authorization`: otherwise a foreign server could have any authenticated
 * request made.
 */
export async function followRedirects(
  request: RequestSnapshot,
  origins: OriginPolicy,
  sendAuthenticated: AuthenticatedSend,
  send: Send,
): Promise<Response> {
  if (request.redirect !== 'follow') return sendAuthenticated(request, request.redirect)
  for (let hop = request, count = 0; ; count++) {
    const response = await sendAuthenticated(hop, 'manual')
    if (response.type === 'opaqueredirect') {
      throw new TypeError("The given fetch hides redirects; pass redirect: 'error' or 'manual' with it")
    }
    const location = isRedirect(response.status) ? response.headers.get('location') : null
    if (location === null) return count === 0 ? response : markRedirected(response)
    // Before the step is judged: whatever comes of it, nobody reads this body.
    await discardBody(response)
    try {
      hop = redirectStep(hop, response.status, location, count)
    } catch (cause) {
      throw new TypeError('fetch failed', { cause })
    }
    if (!origins.permits(hop.url)) {
      const { target, init, headers = {} } = hop
      return markRedirected(await send(target, { ...init, headers, redirect: 'follow' }))
    }
  }
}

/** Each hop was a fetch of its own: its response does not know that others came before. */
function markRedirected(response: Response): Response {
  return Object.defineProperty(response, 'redirected', { value: true, configurable: true, enumerable: true })
}
