import { kindOf } from './kind-of.js'

/** The origins that a token was given for. */
export interface OriginPolicy {
  /** Whether a request to this origin, or to a URL of it, may carry the token. Unparsable: no. */
  permits(target: string | URL): boolean
}

/**
 * Reads the `origins` option. Exact origins only: a pattern that matches one host too many gives the token away.
 *
 * @throws TypeError when an entry is not an http(s) origin. The message never quotes it: it may hold a password.
 */
export function createOriginPolicy(origins: unknown): OriginPolicy {
  const entries = Array.isArray(origins) ? origins : [origins]
  if (origins === undefined || entries.length === 0) {
    throw new TypeError(
      "'origins' is required: the origins that may receive the token, for example 'https://api.example:8443'",
    )
  }
  const listed = new Set<string>()
  for (const [index, entry] of entries.entries()) {
    listed.add(readOrigin(entry, Array.isArray(origins) ? `'origins[${index}]'` : "'origins'"))
  }
  return {
    permits: (target) =>
      (typeof target === 'string' && listed.has(plainOrigin(target))) || listed.has(originOf(target)),
  }
}

/**
 * What stands before the path. Where it is a listed origin to the letter, so it is when parsed, and the parse can be
 * saved: user names, ports and escapes would stand in it, and what undici passes is nothing else.
 */
function plainOrigin(target: string): string {
  const end = target.indexOf('/', 'https://'.length)
  return end === -1 ? target : target.slice(0, end)
}

/** The normalised origin of a URL; '' when there is none, which is never listed. */
function originOf(target: string | URL): string {
  try {
    const url = typeof target === 'string' ? new URL(target) : target
    return isHttp(url) ? url.origin : ''
  } catch {
    return ''
  }
}

function readOrigin(entry: unknown, name: string): string {
  if (typeof entry !== 'string' && !(entry instanceof URL)) {
    throw new TypeError(`${name} must be a string or a URL, got ${kindOf(entry)}`)
  }
  const text = String(entry)
  if (text.includes('*')) {
    throw new TypeError(`${name} has a wildcard, which is not supported: name each origin`)
  }
  if (!URL.canParse(text)) {
    throw new TypeError(`${name} must be an origin such as 'https://api.example:8443', got no valid URL`)
  }
  const url = new URL(text)
  if (!isHttp(url)) {
    throw new TypeError(
      `${name} must be an http or https origin, got another scheme (is 'https://' missing?)`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError(`${name} must not hold a user name or password`)
  }
  if (url.href !== `${url.origin}/`) {
    throw new TypeError(`${name} must be an origin only, without path, query or fragment`)
  }
  return url.origin
}

function isHttp(url: URL): boolean {
  return url.protocol === 'https:' || url.protocol === 'http:'
}
