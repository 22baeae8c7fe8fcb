import type { VaultAddress } from './vault-address.js'
import { isAt } from './vault-address.js'

/** One request to Vault's address, as the caller gave it, without the token. */
export interface VaultCall {
  readonly url: URL
  readonly method: string
  /** A copy; `undefined` when there are none, which is the most frequent case and costs nothing then. */
  readonly headers: Headers | undefined
  readonly body: unknown
  readonly init: Readonly<Record<string, unknown>>
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
  const own = { ...(init as Record<string, unknown> | undefined) }
  const signal = (own.signal === undefined ? request?.signal : own.signal) as AbortSignal | null | undefined
  const headers = (own.headers as Headers | undefined) ?? request?.headers
  const body = own.body ?? request?.body ?? null
  const isStream = Object.prototype.toString.call(body) === '[object ReadableStream]'
  return {
    url,
    method: String(own.method ?? request?.method ?? 'GET').toUpperCase(),
    headers: headers === undefined ? undefined : new Headers(headers),
    body,
    init: isStream ? { ...own, duplex: 'half' } : own,
    redirect: String(own.redirect ?? request?.redirect ?? 'follow'),
    signal: typeof signal?.addEventListener === 'function' ? signal : undefined,
  }
}

/** Whether the body can be sent a second time. Streams and iterables cannot. */
export function isReplayable({ body }: VaultCall): boolean {
  if (body === null || typeof body !== 'object') return true
  return ArrayBuffer.isView(body) || REPLAYABLE.test(Object.prototype.toString.call(body))
}

function targetUrl(text: string, addresses: readonly VaultAddress[]): URL | undefined {
  const [first] = addresses
  if (/^\/(?![/\\])/.test(text) && first) {
    // Parsed by itself: a path is never to be anything but a path of this address.
    const { pathname, search } = new URL(text, 'http://path.invalid')
    return new URL(`${first.baseUrl}${pathname}${search}`)
  }
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  return addresses.some((address) => isAt(address, url)) ? url : undefined
}

function isRequest(input: unknown): input is RequestLike {
  return typeof input === 'object' && Object.prototype.toString.call(input) === '[object Request]'
}
