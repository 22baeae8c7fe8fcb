/** Faults of what is in the file. @typedef {import('./context.mjs').Fault} Fault */
import { nothing } from './context.mjs'

const HUGE_BYTES = 2 * 1_048_576

/** @type {Fault[]} */
export const CONTENT_FAULTS = [
  raw('empty file', 10, () => ''),
  raw('white space only', 10, () => ' \r\n\t\n'),
  {
    name: 'expiry a year ahead with warnafter',
    scenario: 17,
    kubelet: { extendedExpiration: true },
    async apply({ kubelet }) {
      await kubelet.rotate({ extendedExpiration: true })
      return nothing
    },
  },
  {
    // Within the minute that Vault allows. The clocks stay apart: a kubelet whose tokens go back in time is another fault.
    name: 'iat and nbf 50 s ahead',
    scenario: 18,
    async apply({ kubelet }) {
      kubelet.setClockSkew(50_000)
      await kubelet.rotate()
      return nothing
    },
  },
  {
    name: 'legacy token, where an audience is expected',
    scenario: 20,
    async apply({ kubelet, forbid }) {
      const { token } = await kubelet.legacyToken()
      forbid?.(token)
      return nothing
    },
  },
  {
    name: 'legacy token, where no audience is expected',
    scenario: 20,
    watcher: { audience: undefined, issuer: undefined, subject: undefined },
    async apply({ kubelet }) {
      await kubelet.legacyToken()
      return nothing
    },
  },
  raw('opaque token', 20, () => 'not-a-jwt-but-visible-ascii'),
  {
    name: 'byte order mark, spaces, CRLF around a new token',
    scenario: 21,
    async apply({ kubelet }) {
      const { token } = await kubelet.issueToken()
      await kubelet.writeRaw(`\uFEFF  ${token} \r\n\r\n`)
      return nothing
    },
  },
  raw('huge file', 22, () => 'x'.repeat(HUGE_BYTES)),
  raw('binary, with NUL', 23, () => Uint8Array.from({ length: 1_024 }, (_, index) => index % 256)),
  raw('two tokens on two lines', 23, ({ kubelet }) => `${kubelet.current.token}\n${kubelet.current.token}\n`),
  worse('token of another audience', 26, (kubelet) => kubelet.wrongAudience()),
  worse('token of another issuer', 26, (kubelet) => putIssued(kubelet, { issuer: 'https://somebody.else' })),
  worse('token of another subject', 26, (kubelet) =>
    putIssued(kubelet, { claims: { sub: 'system:serviceaccount:default:somebody-else' } }),
  ),
  worse('older token reappears', 27, (kubelet) => kubelet.olderToken()),
  worse('expired token instead of the good one', 16, (kubelet) => {
    const now = Math.floor(Date.now() / 1_000)
    return putIssued(kubelet, { claims: { iat: now - 7_200, nbf: now - 7_200, exp: now - 3_600 } })
  }),
]

/** Bytes that are no token. Ended by putting the good one back. */
function raw(name, scenario, contentOf) {
  return {
    name,
    scenario,
    async apply(context) {
      await context.kubelet.writeRaw(contentOf(context))
      return () => context.kubelet.restore()
    },
  }
}

/** A token that must not replace the good one. */
function worse(name, scenario, put) {
  return {
    name,
    scenario,
    async apply({ kubelet, forbid }) {
      const { token } = await put(kubelet)
      forbid?.(token)
      return () => kubelet.restore()
    },
  }
}

async function putIssued(kubelet, options) {
  const issued = await kubelet.issueToken(options)
  await kubelet.writeRaw(issued.token)
  return issued
}
