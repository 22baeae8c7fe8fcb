import { hostNameOf, isUnrebindable } from '../listen/host-name.js'

/**
 * Whether a request whose `Host` is this may see the status page.
 *
 * @param allowedHosts names besides loopback's; `*` stands for all
 */
export function isTrustedHost(host: string | undefined, allowedHosts: readonly string[]): boolean {
  if (allowedHosts.includes('*')) return true
  const name = host === undefined ? undefined : hostNameOf(host)
  if (name === undefined) return false
  return isUnrebindable(name) || allowedHosts.some((allowed) => name === hostNameOf(allowed))
}

/**
 * Whether a browser sends this on behalf of another site's page. A link from there is a navigation, and good. Programs
 * send no such header.
 */
export function isForeignFetch(site: string | undefined, mode: string | undefined): boolean {
  const isOwn = site === undefined || site === 'same-origin' || site === 'none'
  return !isOwn && mode !== 'navigate'
}
