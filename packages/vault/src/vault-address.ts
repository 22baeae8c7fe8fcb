import { argumentError } from '@projected-token/core/provider'

/** Where a Vault listens. */
export interface VaultAddress {
  /** For people: what was configured, normalised. */
  readonly text: string
  /** What requests go to, without a slash at the end; `http://localhost` for a socket. */
  readonly baseUrl: string
  readonly socketPath: string | undefined
}

/**
 * Reads `https://host:8200`, `http://…`, with a path prefix where a proxy adds one, or `unix:///path/to/socket`.
 *
 * @param subject what the message is about.
 * @throws TypeError or RangeError; the message does not quote the value, which may hold a password.
 */
export function parseVaultAddress(value: unknown, subject: string): VaultAddress {
  if (typeof value !== 'string') {
    throw argumentError('type', `${subject} must be a string such as 'https://vault.example:8200'`)
  }
  const bad = (problem: string) =>
    argumentError(
      'range',
      `${subject} ${problem}. Expected 'https://host:port', 'http://host:port' or 'unix:///path/to/socket'`,
    )
  if (value.startsWith('unix://')) {
    const socketPath = value.slice('unix://'.length)
    if (!socketPath.startsWith('/') || socketPath.includes('\0'))
      throw bad('names no absolute path of a socket')
    return { text: value, baseUrl: 'http://localhost', socketPath }
  }
  if (!URL.canParse(value)) throw bad('is not an address')
  const url = new URL(value)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw bad('has another scheme')
  if (url.username !== '' || url.password !== '') throw bad('holds a user name or password')
  if (url.search !== '' || url.hash !== '') throw bad('holds a query or fragment')
  const baseUrl = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  return { text: baseUrl, baseUrl, socketPath: undefined }
}

/** The URL of an API path such as `auth/kubernetes/login`. */
export function apiUrl(address: VaultAddress, path: string): URL {
  return new URL(`${address.baseUrl}/v1/${path}`)
}

/** Whether the URL is one of this address: same origin, below the same prefix. Sockets have no URLs of their own. */
export function isAt(address: VaultAddress, url: URL): boolean {
  if (address.socketPath !== undefined) return false
  const base = new URL(address.baseUrl)
  const prefix = base.pathname.replace(/\/+$/, '')
  return url.origin === base.origin && url.pathname.startsWith(`${prefix}/`)
}

/** Whether somebody on the way could read what is sent. Loopback and sockets have no way. */
export function isPlaintext(address: VaultAddress): boolean {
  const { protocol, hostname } = new URL(address.baseUrl)
  const isLoopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
  return protocol === 'http:' && address.socketPath === undefined && !isLoopback
}

/** The mount's path as the API wants it: `k8s/prod` for `auth/k8s/prod/`. */
export function normaliseMount(mount: string): string {
  const path = mount.replace(/^\/+|\/+$/g, '').replace(/^auth\//, '')
  const segments = path.split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw argumentError('range', "The option 'mount' must be the path of an auth mount, such as 'kubernetes'")
  }
  return segments.map(encodeURIComponent).join('/')
}
