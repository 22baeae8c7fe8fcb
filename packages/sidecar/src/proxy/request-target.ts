/** The base path without its slash at the end: what every path of a request is appended to. */
export function basePath(upstream: URL): string {
  return upstream.pathname.replace(/\/$/, '')
}

/**
 * The path and query to ask the upstream for, or `undefined` for a target that is refused: one that names a host
 * (`http://other/`, `//other/`, `/\other/`), leaves the base path (a segment that begins or ends with `..`, in any
 * spelling: those which reply-from refuses as well), or is none (`*`, `#`, broken
 * percent-encoding).
 *
 * Refused rather than resolved: what a server makes of `/a/..%2f..` differs from server to server.
 */
export function upstreamPath(target: string, upstream: URL): string | undefined {
  const queryAt = target.indexOf('?')
  const path = queryAt < 0 ? target : target.slice(0, queryAt)
  if (!path.startsWith('/') || target.includes('#')) return undefined
  const decoded = decode(path)
  if (decoded === undefined || decoded.startsWith('//') || hasDots(decoded)) return undefined
  const base = basePath(upstream)
  const url = URL.canParse(base + path, upstream.origin) ? new URL(base + path, upstream.origin) : undefined
  if (url?.origin !== upstream.origin || !url.pathname.startsWith(`${base}/`)) return undefined
  if (url.pathname.startsWith('//')) return undefined // of `/.//other/`
  return url.pathname + (queryAt < 0 ? '' : target.slice(queryAt))
}

function hasDots(path: string): boolean {
  return path.split('/').some((segment) => segment.startsWith('..') || segment.endsWith('..'))
}

/** As the least careful server would read it; `undefined` when it cannot be read. */
function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path).replaceAll('\\', '/')
  } catch {
    return undefined
  }
}
