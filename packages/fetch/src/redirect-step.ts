import { FetchAuthError } from './auth-error.js'
import { initForAnotherUrl, type RequestSnapshot } from './request-snapshot.js'
import { isReplayableBody } from './retry-decision.js'

/** Fetch Standard, section 4.4, step 7. */
const MAX_REDIRECTS = 20

const REDIRECT_STATUS = new Set([301, 302, 303, 307, 308])

/** Fetch Standard, section 4.4, step 12.2: they describe a body that is no longer sent. */
const BODY_HEADERS = [
  'content-encoding',
  'content-language',
  'content-location',
  'content-type',
  'content-length',
]

/** What fetch takes away on the way to another origin: what the caller said was for the first one. */
const ORIGIN_HEADERS = ['authorization', 'proxy-authorization', 'cookie', 'host']

/** Whether the status asks, with a Location header, to look elsewhere. */
export function isRedirect(status: number): boolean {
  return REDIRECT_STATUS.has(status)
}

/**
 * The request that follows a redirect, by the Fetch Standard's "HTTP-redirect fetch" (section 4.4). The credential is
 * no part of it: whoever sends it decides by {@link RequestSnapshot.url} whether one is added.
 *
 * @throws FetchAuthError where the standard has a network error; not for a stream that is dropped with a 301 or 302 of a
 *   POST, since the body of a `Request` is one whatever it was made of.
 */
export function redirectStep(
  from: RequestSnapshot,
  status: number,
  location: string,
  count: number,
): RequestSnapshot {
  const fromUrl = new URL(from.url)
  const url = locationUrl(location, fromUrl)
  if (url === undefined) throw refusal('its Location is not an http or https URL')
  if (url.username !== '' || url.password !== '') throw refusal('its Location holds a user name or password')
  if (count >= MAX_REDIRECTS) throw refusal(`there were ${MAX_REDIRECTS} before it (redirect count exceeded)`)
  const toGet =
    ((status === 301 || status === 302) && from.method === 'POST') ||
    (status === 303 && from.method !== 'GET' && from.method !== 'HEAD')
  if (!toGet && !isReplayableBody(from.body)) {
    throw refusal('its body, a stream or that of a Request, cannot be sent a second time')
  }
  const headers = new Headers(from.headers)
  const init: Record<string, unknown> = { ...initForAnotherUrl(from), method: from.method }
  if (toGet) {
    init.method = 'GET'
    delete init.body
    delete init.duplex
    for (const name of BODY_HEADERS) headers.delete(name)
  }
  if (url.origin !== fromUrl.origin) for (const name of ORIGIN_HEADERS) headers.delete(name)
  const method = String(init.method)
  return { ...from, url: url.href, target: url.href, method, headers, init, body: toGet ? null : from.body }
}

function locationUrl(location: string, base: URL): URL | undefined {
  // A header is read as Latin-1; servers write UTF-8 into Location.
  const bytes = Uint8Array.from(location, (character) => character.charCodeAt(0))
  const text = new TextDecoder().decode(bytes)
  if (!URL.canParse(text, base.href)) return undefined
  const url = new URL(text, base)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined
  if (url.hash === '') url.hash = base.hash
  return url
}

function refusal(reason: string): FetchAuthError {
  return new FetchAuthError('ERR_FETCH_REDIRECT', `The redirect was not followed: ${reason}`)
}
