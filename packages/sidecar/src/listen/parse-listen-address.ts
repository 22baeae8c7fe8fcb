import { resolve } from 'node:path'
import type { ListenAddress } from './listen-address.js'

/** sun_path of unix(7) holds 108 bytes with the NUL at its end. */
const MAX_SOCKET_PATH_BYTES = 107

/** What {@link parseListenAddress} takes, for messages. */
export const LISTEN_ADDRESS_FORM = "'HOST:PORT', ':PORT' for all interfaces, or 'unix:///path/of/socket'"

/** Reads `HOST:PORT`, `[IPv6]:PORT`, `:PORT` or `unix:///path`; `undefined` when it is none of them. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  if (text.startsWith('unix:')) {
    const path = /^unix:\/\/(\/.*[^/])$/.exec(text)?.[1]
    const isPath =
      path !== undefined && !path.includes('\0') && Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES
    return isPath ? { kind: 'unix', path } : undefined
  }
  const match = /^(?:\[([\da-f:.]+)\]|([a-z\d.-]*)):(\d{1,5})$/i.exec(text)
  if (!match) return undefined
  const port = Number(match[3])
  // '::' takes IPv4 too; where there is no IPv6, listen() takes 0.0.0.0 instead.
  const host = (match[1] ?? match[2] ?? '').toLowerCase() || '::'
  return port <= 65_535 ? { kind: 'tcp', host, port } : undefined
}

/** The same, in words that {@link parseListenAddress} reads. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix://${address.path}`
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/** An address of loopback. A number beyond 255 makes it a name, which a resolver may lead anywhere. */
const IPV4_LOOPBACK = /^127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/

/** Whether only processes of this pod (which share its network) can reach the address. */
export function isLoopback(address: ListenAddress): boolean {
  if (address.kind === 'unix') return true
  const { host } = address
  return host === 'localhost' || host === '::1' || IPV4_LOOPBACK.test(host)
}

/** Whether the two cannot be listened on at once. */
export function collides(one: ListenAddress, other: ListenAddress): boolean {
  if (one.kind === 'unix' || other.kind === 'unix') {
    return one.kind === 'unix' && other.kind === 'unix' && resolve(one.path) === resolve(other.path)
  }
  if (one.port === 0 || one.port !== other.port) return false
  return hostsOverlap(one.host, other.host) || hostsOverlap(other.host, one.host)
}

function hostsOverlap(one: string, other: string): boolean {
  if (one === other || one === '::') return true
  if (one === '0.0.0.0') return !other.includes(':')
  return one === 'localhost' && (other === '127.0.0.1' || other === '::1')
}
