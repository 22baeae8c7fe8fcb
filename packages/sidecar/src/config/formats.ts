import { hostNameOf } from '../listen/host-name.js'
import { LISTEN_ADDRESS_FORM, parseListenAddress } from '../listen/parse-listen-address.js'
import { upstreamPath } from '../proxy/request-target.js'
import { MAX_LOGIN_SPREAD_MS, MIN_LOGIN_SPREAD_MS, parseDurationMs } from './duration.js'

/** What a text in the configuration may be, and how a person is told. */
export interface TextFormat {
  readonly expected: string
  accepts(text: string): boolean
}

const MAX_TEXT_LENGTH = 4_096
const byPattern = (pattern: RegExp, expected: string): TextFormat => ({
  expected,
  accepts: (text) => text.length <= MAX_TEXT_LENGTH && pattern.test(text),
})

/** Headers that say where a message ends, whom it is for or how the connection is used: no token belongs there. */
const RESERVED_HEADERS =
  /^(?:host|connection|content-.*|transfer-encoding|te|trailer|upgrade|keep-alive|expect|proxy-connection)$/i

export const TEXT_FORMATS = {
  name: byPattern(
    /^(?=.{1,63}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/,
    'a name of at most 63 lowercase letters, digits and hyphens, with a letter or digit at both ends',
  ),
  word: byPattern(/^[^\0-\x1f\x7f]+$/, 'a text that is not empty and holds no control characters'),
  hostName: {
    expected: "a host name or '[IPv6 address]' without a port, or '*' for all",
    accepts: (text) =>
      text === '*' || (/^(?:\w[\w.-]{0,252}|\[[\da-f:.]+\])$/i.test(text) && hostNameOf(text) !== undefined),
  },
  path: byPattern(
    /^\/(?:[^\0-\x1f\x7f]*[^\0-\x1f\x7f/])$/,
    "an absolute path of a file, without control characters and without '/' at its end",
  ),
  duration: byDuration(0, "a duration from 0 to 1h such as '500ms', '30s' or '5m'"),
  timeLimit: byDuration(1, "a duration from 1ms to 1h such as '500ms', '30s' or '5m'"),
  interval: byDuration(1_000, "a duration from 1s to 1h such as '30s' or '5m'"),
  loginSpread: byDuration(
    MIN_LOGIN_SPREAD_MS,
    "a duration from 5s to 24h such as '3m' or '35m'",
    MAX_LOGIN_SPREAD_MS,
  ),
  mode: byPattern(/^0?[0-7]{3}$/, "octal permission bits in quotes, such as '0600'"),
  owner: {
    expected: "'UID:GID' in quotes, two numbers below 4294967295, such as '1000:1000'",
    accepts: (text) =>
      /^\d{1,10}:\d{1,10}$/.test(text) && text.split(':').every((id) => Number(id) < 4_294_967_295),
  },
  header: {
    expected: 'the name of a header that may carry a token',
    accepts: (text) => /^[\w!#$%&'*+.^`|~-]{1,100}$/.test(text) && !RESERVED_HEADERS.test(text),
  },
  scheme: byPattern(
    /^[\w!#$%&'*+.^`|~-]{0,100}$/,
    "an authentication scheme such as 'Bearer', or '' for none",
  ),
  listen: { expected: LISTEN_ADDRESS_FORM, accepts: (text) => parseListenAddress(text) !== undefined },
  listenOrOff: {
    expected: `${LISTEN_ADDRESS_FORM}; or 'off'`,
    accepts: (text) => text === 'off' || parseListenAddress(text) !== undefined,
  },
  upstream: {
    expected: "an origin such as 'https://api.example', perhaps with a base path; no user, query or fragment",
    accepts: isProxied,
  },
  vaultAddress: {
    expected:
      "'https://host:8200', 'http://host:8200' or 'unix:///path/of/socket'; no user, query or fragment",
    accepts: (text) => /^unix:\/\/\/[^\0-\x1f\x7f]+$/.test(text) || isUpstream(text),
  },
} as const satisfies Record<string, TextFormat>

/** One hour: longer than any of the others has a use. */
function byDuration(minMs: number, expected: string, maxMs = 3_600_000): TextFormat {
  const accepts = (text: string) => {
    const ms = parseDurationMs(text)
    return ms !== undefined && ms >= minMs && ms <= maxMs
  }
  return { expected, accepts }
}

function isUpstream(text: string): boolean {
  if (!/^https?:\/\/[^\\\s?#@\0-\x1f\x7f]+$/i.test(text) || !URL.canParse(text)) return false
  const url = new URL(text)
  return url.username === '' && url.password === '' && url.hostname !== ''
}

/** A base path that a proxy refuses in a request would refuse every request. */
function isProxied(text: string): boolean {
  if (!isUpstream(text)) return false
  const { pathname, origin } = new URL(text)
  return upstreamPath(pathname, new URL(origin)) !== undefined
}
