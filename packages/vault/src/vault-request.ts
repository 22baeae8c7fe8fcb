import type { VaultAddress } from './vault-address.js'
import { isAt } from './vault-address.js'

/** One request to Vault's address, as the caller gave it, without the token. */
export interface VaultCall {
  /** Absolute. */
  readonly url: string
  /** A copy; `undefined` when there are none, which is the most frequent case and costs nothing then. */
  readonly headers: Headers | undefined
  readonly body: unknown
  /** All that is sent on, but for URL, headers and redirect; `undefined` when that is nothing. */
  readonly init: Readonly<Record<string, unknown>> | undefined
  readonly redirect: string
  readonly signal: AbortSignal | undefined
}

/** What of a `Request` is read; any implementation's, from any realm. */
interface RequestLike {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  readonly body: unknown
  readonly redirect: string
  readonly signal: AbortSignal | null
}

/** Objects that give the same bytes again, by their class name: they may come from another realm or implementation. */
const REPLAYABLE = /^\[object (?:ArrayBuffer|SharedArrayBuffer|Blob|File|FormData|URLSearchParams)\]$/

/**
 * Reads the arguments of fetch once. A path such as `/v1/secret/data/app` is one of the first address, which is the
 * only way to name a socket's.
 *
 * @returns `undefined` when the request is not for Vault.
 */
export function readCall(
  input: unknown,
  init: unknown,
  addresses: readonly VaultAddress[],
): VaultCall | undefined {
  const request = isRequest(input) ? input : undefined
  const url = targetUrl(request?.url ?? String(input), addresses)
  if (url === undefined) return undefined
  const own = (init ?? {}) as Record<string, unknown>
  const headers = (own.headers as Headers | undefined) ?? request?.headers
  const body = own.body ?? request?.body ?? null
  const given = own.signal === undefined ? request?.signal : own.signal
  const signal = isSignal(given) ? given : undefined
  return {
    url,
    headers: headers === undefined ? undefined : new Headers(headers),
    body,
    init: init == null && request === undefined ? undefined : initOf(own, request, body, signal),
    redirect: String(own.redirect ?? request?.redirect ?? 'follow'),
    signal,
  }
}

/** What was not given stays away: fetch takes time for each member. */
function initOf(
  own: Record<string, unknown>,
  request: RequestLike | undefined,
  body: unknown,
  signal: AbortSignal | undefined,
): Record<string, unknown> {
  const init: Record<string, unknown> = { ...own }
  const method = own.method ?? request?.method
  if (method != null) init.method = String(method).toUpperCase()
  else delete init.method
  if (body !== null) init.body = body
  if (isStream(body)) init.duplex = 'half'
  if (signal !== undefined) init.signal = signal
  return init
}

/** Whether the body can be sent a second time. Streams and iterables cannot. */
export function isReplayable({ body }: VaultCall): boolean {
  if (body === null || typeof body !== 'object') return true
  return ArrayBuffer.isView(body) || REPLAYABLE.test(typeTag(body))
}

/** A path that means itself: nothing in it to be resolved, decoded or escaped. */
const PLAIN_PATH = /^\/(?:[\w-]+\/)*[\w-]+$/

function targetUrl(text: string, addresses: readonly VaultAddress[]): string | undefined {
  const [first] = addresses
  if (first && PLAIN_PATH.test(text)) return first.baseUrl + text
  if (first && /^\/(?![/\\])/.test(text)) {
    // Parsed by itself: a path is never to be anything but a path of this address.
    const { pathname, search } = new URL(text, 'http://path.invalid')
    return `${first.baseUrl}${pathname}${search}`
  }
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return addresses.some((address) => isAt(address, url)) ? url.href : undefined
}

const typeTag = (value: unknown) => Object.prototype.toString.call(value)

function isStream(body: unknown): boolean {
  return typeof body === 'object' && typeTag(body) === '[object ReadableStream]'
}

function isSignal(value: unknown): value is AbortSignal {
  return typeof (value as AbortSignal | null | undefined)?.addEventListener === 'function'
}

function isRequest(input: unknown): input is RequestLike {
  return typeof input === 'object' && typeTag(input) === '[object Request]'
}
