import type { ListenAddress } from './listen-address.js'

/** Whether a client of this URL reaches this address, as far as it can be told without a name server. Pure. */
export function leadsTo({ protocol, hostname, port }: URL, address: ListenAddress): boolean {
  if (address.kind === 'unix') return false
  if (Number(port || (protocol === 'https:' ? 443 : 80)) !== address.port) return false
  const host = plainHost(hostname)
  const isLocal = host === 'localhost' || host === '::1' || host.startsWith('127.')
  // 'localhost' is both addresses of loopback.
  if (host === 'localhost') return isUnspecified(address.host) || isLocalName(address.host)
  if (address.host === 'localhost') return isLocalName(host)
  return host === address.host || (isLocal && isUnspecified(address.host))
}

const isUnspecified = (host: string) => host === '::' || host === '0.0.0.0'
const isLocalName = (host: string) => host === 'localhost' || host === '127.0.0.1' || host === '::1'

/** Without brackets and a dot at its end; IPv4 as such; who connects to no address in particular reaches loopback. */
export function plainHost(hostname: string): string {
  const host = hostname.replace(/^\[|\]$|\.$/g, '')
  if (host === '0.0.0.0' || host === '::ffff:7f00:1') return '127.0.0.1'
  return host === '::' ? '::1' : host
}
