/** Header fields by their names in lower case, as Node and undici give them. */
export type Headers = Record<string, string | string[] | undefined>

/** RFC 9110, section 7.6.1, and what older programs add to it; `proxy-…` besides. */
const HOP_BY_HOP = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** How a client's own credential is treated. */
export interface ClientHeaderPolicy {
  /** Lower case. */
  readonly header: string
  readonly clientHeader: 'keep' | 'replace'
}

/**
 * What of a client's headers the upstream gets: all but those of the connection. `Expect` is ours to answer, and Node
 * has. `Host` is set by whoever sends the request.
 *
 * @param connection the client's `Connection`, whose names are left out too
 */
export function requestHeaders(
  headers: Headers,
  connection: string | undefined,
  { header, clientHeader }: ClientHeaderPolicy,
): Headers {
  const forwarded = endToEnd(headers, connection)
  forwarded.expect = undefined
  // An empty value is no credential: sent as it is, the request would go out without one.
  if (clientHeader === 'replace' || !forwarded[header]) forwarded[header] = undefined
  return forwarded
}

/** What of the upstream's headers the client gets. */
export function responseHeaders(headers: Headers): Headers {
  return endToEnd(headers, headers.connection)
}

function endToEnd(headers: Headers, connection: string | string[] | undefined): Headers {
  const named = connection === undefined ? undefined : namesOf(connection)
  const kept: Headers = {}
  for (const name of Object.keys(headers)) {
    if (HOP_BY_HOP.has(name) || name.startsWith('proxy-') || named?.has(name)) continue
    kept[name] = headers[name]
  }
  return kept
}

function namesOf(connection: string | string[]): Set<string> {
  return new Set(
    String(connection)
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  )
}
