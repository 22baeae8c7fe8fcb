import { hostNameOf, isUnrebindable } from '../listen/host-name.js'

/** The headers that tell on whose behalf a request is made. */
export interface RequestOrigin {
  readonly host?: string | undefined
  readonly origin?: string | undefined
  readonly 'sec-fetch-site'?: string | string[] | undefined
}

/** What is wrong with a request: the name it was made to, or the page that made it. */
export type HostRefusal = 'host' | 'origin'

/**
 * Keeps web pages out. Whoever reaches the proxy uses its token, and a browser on the same machine lets any page send
 * requests to it: directly, which `Origin` and `Sec-Fetch-Site` tell, or by a name of the page's own that leads to us,
 * which `Host` tells. The upstream's own name cannot be the page's, and browsers send what ends in `.localhost` to
 * their own machine, whatever DNS says.
 */
export function createHostPolicy(upstream: URL, allowedHosts: readonly string[] = []) {
  const allowed = new Set(allowedHosts.map((name) => hostNameOf(name) ?? name))
  const allowsAll = allowed.has('*')
  const upstreamName = withoutDot(upstream.hostname)

  const isAllowedHost = (name: string) =>
    isUnrebindable(name) || name.endsWith('.localhost') || name === upstreamName || allowed.has(name)

  const isAllowedPage = (origin: string) =>
    URL.canParse(origin) && allowed.has(withoutDot(new URL(origin).hostname))

  return {
    /** What is wrong; `undefined` when nothing is. */
    judge(headers: RequestOrigin): HostRefusal | undefined {
      if (allowsAll) return undefined
      const { host, origin, 'sec-fetch-site': site } = headers
      // Only HTTP/1.0 may do without; browsers do not speak it.
      const name = host === undefined ? undefined : hostNameOf(host)
      if (host !== undefined && (name === undefined || !isAllowedHost(name))) return 'host'
      if (origin !== undefined && isAllowedPage(origin)) return undefined
      if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'origin'
      // Programs send one too, for a web socket say: that of the server which they mean.
      const own = origin === undefined || origin === `http://${host}` || origin === upstream.origin
      return own ? undefined : 'origin'
    },
  }
}

function withoutDot(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}
