/** What is known of a request before anything is done for it. */
export interface RequestFacts {
  readonly method: string
  /** As it stands in the request line. */
  readonly target: string
  /** Names in lower case; values as Node joins them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Names and values one after the other, as they came. */
  readonly rawHeaders: readonly string[]
  /** Where the server listens: a port, or `undefined` for a unix socket. */
  readonly port: number | undefined
  /** The configured host, which may be another of loopback than the usual ones. */
  readonly host: string | undefined
}

/** Why a request is refused. */
export type Refusal = 'method' | 'body' | 'denied'

/** A proxy on the way adds these: then the request comes from elsewhere, whatever its address. */
const PROXY_HEADERS = /^(?:forwarded|x-forwarded(?:-.+)?|x-real-ip|via)$/
/**
 * A browser adds these to what a page asks for. `Sec-Fetch-Mode` is not among them: Node's own fetch sends it, while
 * every browser that does sends `Sec-Fetch-Site` as well.
 */
const BROWSER_HEADERS = /^(?:origin|sec-fetch-(?!mode$).+|access-control-request-.+)$/

/** A client sends a few. */
const MAX_HEADERS = 200

/**
 * Whether a request may have a token. Being on loopback proves little: a program in the pod can be made to send
 * requests (SSRF), a page in a browser can (DNS rebinding, cross-site requests), and a proxy can pass them on. None of
 * these can set a header of its own, have a loopback `Host` and leave no trace at once.
 */
export function judgeRequest(request: RequestFacts): Refusal | undefined {
  const { method, headers, rawHeaders } = request
  if (rawHeaders.length > 2 * MAX_HEADERS) return 'denied'
  if (headers['projected-token'] !== 'true') return 'denied'
  // With a whole URL, as clients send it to a proxy, the host would be another than the one that is judged.
  if (!request.target.startsWith('/') || !isHostAllowed(request)) return 'denied'
  const names = Object.keys(headers)
  if (names.some((name) => PROXY_HEADERS.test(name) || BROWSER_HEADERS.test(name))) return 'denied'
  if (method !== 'GET') return 'method'
  const hasBody =
    headers['transfer-encoding'] !== undefined || !/^0*$/.test(String(headers['content-length'] ?? ''))
  return hasBody ? 'body' : undefined
}

function isHostAllowed({ headers, rawHeaders, port, host }: RequestFacts): boolean {
  const given = headers.host
  const count = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length
  if (count > 1 || (given !== undefined && typeof given !== 'string')) return false
  // A name says nothing about a socket file: clients send what they like, most `localhost`.
  if (port === undefined)
    return given === undefined || given === '' || /^localhost(?::\d{1,5})?$/i.test(given)
  if (given === undefined) return false
  const names = new Set(['localhost', '127.0.0.1', '[::1]', host?.includes(':') ? `[${host}]` : host])
  const text = given.toLowerCase()
  if (port === 80 && names.has(text)) return true
  return text.endsWith(`:${port}`) && names.has(text.slice(0, -`:${port}`.length))
}
