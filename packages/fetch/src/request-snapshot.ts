import { copyBody } from './copy-body.js'

/** What of a `Request` is read; any implementation's, from any realm. */
interface RequestLike {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  readonly body: unknown
  readonly redirect: string
  readonly signal: AbortSignal | null
  readonly [member: string]: unknown
}

/** One request as it goes to the underlying fetch, without the credential. Never mutated. */
export interface RequestSnapshot {
  /** Absolute. */
  readonly url: string
  /** The first argument of fetch: the caller's `Request`, or a URL that nobody can change any more. */
  readonly target: RequestLike | string
  readonly method: string
  /** A copy; `undefined` when there are none, which is the most frequent case and costs nothing then. */
  readonly headers: Headers | undefined
  /** The body that will be sent; a stream when it comes from a `Request`, whatever that was made of. */
  readonly body: unknown
  /** The second argument of fetch, but for headers and redirect mode. */
  readonly init: Readonly<Record<string, unknown>>
  readonly redirect: string
  readonly signal: AbortSignal | undefined
}

/** Every member of RequestInit, and undici's `dispatcher`: an `init` may hold them as getters of its prototype. */
const INIT_MEMBERS = (
  'method headers body referrer referrerPolicy mode credentials cache redirect integrity keepalive signal window ' +
  'duplex priority dispatcher'
).split(' ')

/** What a redirect must take over from a `Request`, which itself stays bound to its URL. */
const CARRIED_MEMBERS = ['mode', 'credentials', 'cache', 'integrity', 'keepalive']

/** What fetch forgets of a `Request` beside an `init` that is not empty; see {@link snapshotRequest}. */
const FORGOTTEN_MEMBERS = ['referrer', 'referrerPolicy']

/** The URL that fetch will use, as the caller wrote it; fetch refuses what is none. */
export function targetUrl(input: unknown): string {
  return isRequest(input) ? input.url : String(input)
}

/**
 * Reads the arguments of fetch once, as the Fetch Standard does (section 5.3, the Request constructor), so that what
 * the caller changes later, while a token is awaited, changes nothing.
 */
export function snapshotRequest(input: unknown, init: unknown, url: string): RequestSnapshot {
  const request = isRequest(input) ? input : undefined
  const own = copyInit(init)
  // Where the caller gave no init there will be one all the same, with the credential.
  if (request !== undefined && Object.keys(own).length === 0) {
    for (const member of FORGOTTEN_MEMBERS) own[member] = request[member] ?? undefined
  }
  if (own.body !== undefined) own.body = copyBody(own.body)
  const signal = own.signal === undefined ? request?.signal : (own.signal as AbortSignal | null)
  const headers = own.headers === undefined ? request?.headers : (own.headers as Headers)
  return {
    url,
    target: request ?? url,
    method: normaliseMethod(String(own.method ?? request?.method ?? 'GET')),
    headers: headers === undefined ? undefined : new Headers(headers),
    body: own.body ?? request?.body ?? null,
    init: own,
    redirect: String(own.redirect ?? request?.redirect ?? 'follow'),
    signal: typeof signal?.addEventListener === 'function' ? signal : undefined,
  }
}

/** The `init` of a request that goes to another URL: what the caller's `Request` said is now said in full. */
export function initForAnotherUrl({ target, init, signal }: RequestSnapshot): Record<string, unknown> {
  const carried: Record<string, unknown> = {}
  if (typeof target === 'object') {
    for (const member of CARRIED_MEMBERS) if (target[member] !== undefined) carried[member] = target[member]
    if (signal !== undefined) carried.signal = signal
  }
  return { ...carried, ...init }
}

/**
 * By the tag, because `instanceof` fails for another implementation. An object with a `url` but without the tag is
 * stringified by fetch, so that its `url` would say nothing about where the token goes.
 */
function isRequest(input: unknown): input is RequestLike {
  return typeof input === 'object' && Object.prototype.toString.call(input) === '[object Request]'
}

function copyInit(init: unknown): Record<string, unknown> {
  if (init === undefined || init === null) return {}
  const source = init as Record<string, unknown>
  const copy: Record<string, unknown> = { ...source }
  for (const member of INIT_MEMBERS) {
    if (source[member] === undefined) delete copy[member]
    else copy[member] = source[member]
  }
  return copy
}

/** Fetch Standard, section 2.2.1: only these are case-insensitive. */
function normaliseMethod(method: string): string {
  return /^(delete|get|head|options|post|put)$/i.test(method) ? method.toUpperCase() : method
}
