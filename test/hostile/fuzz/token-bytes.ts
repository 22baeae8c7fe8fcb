import { overdueAtMs, parseToken, rotationDueAtMs, TokenError } from '@projected-token/core'
import * as fc from 'fast-check'
import { jwt, mutated, tokenBytesOfAnySize } from './arbitraries.js'
import { ensureDiscreet } from './oracles.js'
import { defineTarget, ensure } from './target.js'

const TIMES = ['issuedAtMs', 'notBeforeMs', 'expiresAtMs', 'warnAfterMs'] as const
const TEXTS = ['id', 'issuer', 'subject', 'namespace'] as const
/** The last moment of RFC 3339. */
const MAX_TIME_MS = 253_402_300_799_000

/** What must hold of any content: it is one token with claims of the declared types, or an error that quotes nothing. */
function checkContent(content: Uint8Array | string): void {
  let parsed: ReturnType<typeof parseToken>
  try {
    parsed = parseToken(content, '/tokens/token')
  } catch (error) {
    ensure(error instanceof TokenError, `a TokenError is thrown, not ${error}`)
    ensure(['ERR_TOKEN_EMPTY', 'ERR_TOKEN_MALFORMED'].includes(error.code), `a known code: ${error.code}`)
    ensureDiscreet(error.message, 'a message', 500)
    ensure(error.cause === undefined, 'what a decoder says of the content is not kept')
    return
  }
  ensure(/^[\x21-\x7e]+$/.test(parsed.token), 'a token is visible ASCII')
  for (const name of TIMES) {
    const time = parsed[name]
    ensure(
      time === undefined || (Number.isInteger(time) && time >= 0 && time <= MAX_TIME_MS),
      `${name} is a time`,
    )
  }
  for (const name of TEXTS) ensure(['string', 'undefined'].includes(typeof parsed[name]), `${name} is text`)
  ensure(
    parsed.audience.every((one) => typeof one === 'string'),
    'an audience is text',
  )
  for (const reference of [parsed.serviceAccount, parsed.pod, parsed.node]) {
    ensure(reference === undefined || typeof reference.name === 'string', 'a reference has a name')
    ensure(reference?.uid === undefined || typeof reference.uid === 'string', 'a uid is text')
  }
  ensure(
    (parsed.kind === 'bound') === (parsed.expiresAtMs !== undefined),
    'a bound token is one with an expiry',
  )
  ensure(!('polluted' in {}), 'claims change no prototype')
  const { issuedAtMs = Date.now(), expiresAtMs, warnAfterMs } = parsed
  const times = { issuedAtMs, expiresAtMs, warnAfterMs }
  for (const due of [rotationDueAtMs(times), overdueAtMs(times)]) {
    ensure(due === undefined || Number.isFinite(due), 'a rotation is due at a time, or never')
  }
}

export const tokenBytesTarget = defineTarget<Uint8Array>({
  name: 'token-bytes',
  what: 'any bytes as the content of a token file, at the parser',
  share: 300,
  open: async () => ({
    arbitrary: tokenBytesOfAnySize,
    check(content) {
      checkContent(content)
      checkContent(Buffer.from(content).toString())
    },
    close: async () => {},
  }),
})

export const claimsTarget = defineTarget<string>({
  name: 'claims',
  what: 'a JWT with claims of any kind, size and depth, at the parser',
  share: 250,
  open: async () => ({
    arbitrary: fc.oneof(
      { weight: 5, arbitrary: jwt },
      {
        weight: 1,
        arbitrary: mutated(
          jwt.map((text) => Buffer.from(text)),
          1,
        ).map((bytes) => Buffer.from(bytes).toString()),
      },
    ),
    check: checkContent,
    close: async () => {},
  }),
})
