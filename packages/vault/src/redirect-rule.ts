import { isAt, type VaultAddress } from './vault-address.js'

/** Where a redirect leads, or why it is not followed. */
export type RedirectVerdict =
  | { readonly to: URL; readonly address: VaultAddress }
  | { readonly problem: string }

/** 301, 302 and 307 are what Vault's standbys, and the proxies before them, answer; the Go client follows these. */
export function isRedirectStatus(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status)
}

/**
 * A standby that cannot forward sends the client to the leader: that one redirect is followed, when the leader is
 * among the configured addresses, because the token or the JWT goes along.
 *
 * @param hops how many redirects were followed already.
 */
export function judgeRedirect(
  location: string | undefined,
  from: URL,
  hops: number,
  addresses: readonly VaultAddress[],
): RedirectVerdict {
  if (location === undefined || !URL.canParse(location, from.href))
    return { problem: 'its Location is no URL' }
  const to = new URL(location, from)
  const where = `'${to.origin}'`
  if (to.username !== '' || to.password !== '')
    return { problem: 'its Location holds a user name or password' }
  if (hops > 0) return { problem: `it is the second one, to ${where}` }
  if (from.protocol === 'https:' && to.protocol !== 'https:')
    return { problem: `it leaves https, for ${where}` }
  const address = addresses.find((one) => isAt(one, to))
  if (address === undefined) {
    return { problem: `it leads to ${where}, which is not among the option 'clusterAddresses'` }
  }
  return { to, address }
}
