/**
 * Whether a request whose `Host` is this may see the status page. A page of another origin can point a name of its own
 * at 127.0.0.1 and read what answers there (DNS rebinding), but then that name stands in `Host`: an IP literal and
 * `localhost` cannot be rebound.
 */
export function isTrustedHost(host: string | undefined, allowedHosts: readonly string[]): boolean {
  if (host === undefined || !/^[\w.:[\]-]+$/.test(host)) return false
  const name = hostnameOf(host)
  if (name === undefined) return false
  return (
    isAddress(name) || name === 'localhost' || allowedHosts.some((allowed) => name === hostnameOf(allowed))
  )
}

/** By the rules of browsers: lower case, without port, `0x7f.1` as `127.0.0.1`, an IPv6 address in brackets. */
function hostnameOf(host: string): string | undefined {
  try {
    return new URL(`http://${host}`).hostname.replace(/\.$/, '')
  } catch {
    return undefined
  }
}

function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(hostname)
}

/**
 * Whether a browser sends this on behalf of another site's page. A link from there is a navigation, and good. Programs
 * send no such header.
 */
export function isForeignFetch(site: string | undefined, mode: string | undefined): boolean {
  const isOwn = site === undefined || site === 'same-origin' || site === 'none'
  return !isOwn && mode !== 'navigate'
}
