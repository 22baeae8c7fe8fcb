/**
 * The client that cannot be beaten: it reads the file at the moment of each request, synchronously, which no real client
 * could afford. It has the last token that lay there for long enough that a client which looks as often as is promised has
 * it, too, and besides, until then, the one that it may have already: a client that keeps every promise may have either.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

const MAX_BYTES = 65_536
/** What a header can carry. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/
/** Reads are no closer together (`MIN_READ_INTERVAL_MS` of core). */
const FOUND_MS = 1_000
/**
 * Beside a valid token what no event tells is found within a minute: a file that is rewritten in place, or that came
 * while no file could be opened, so that the read which the event caused failed.
 */
const FOUND_UNTOLD_MS = 60_000
/** Between two looks that are further apart the client, too, was slow or stopped: no more is counted. */
const MAX_STEP_MS = 500

/**
 * @param expected { audience, issuer, subject } of the tokens that may be sent
 * @param now Unix milliseconds
 * @returns { look, refused }: `look` gives { tokens, publishedAtMs }, all that it may have, the newer one first, and since
 *   when that could be known; with `isBlind` it reads nothing. `refused` is told which of them a server refused: as the
 *   product does, it believes that
 */
export function createPerfectClient(path, { audience, issuer, subject }, now = Date.now) {
  let kept
  let latest
  let wasBlind = false
  const isExpected = ({ claims: { aud, iss, sub } }) =>
    [aud].flat().includes(audience) && iss === issuer && sub === subject
  const isExpired = (file) => file === undefined || file.claims.exp * 1_000 <= now()
  const isAcceptable = (file) =>
    isExpected(file) && !isExpired(file) && (isExpired(kept) || file.claims.iat >= kept.claims.iat)

  const take = (file) => {
    const atMs = now()
    if (latest?.token === file.token) {
      latest.seenMs += Math.min(atMs - latest.atMs, MAX_STEP_MS)
      latest.atMs = atMs
    } else {
      const isUntold = latest?.identity === file.identity || wasBlind
      const isBesideValid = !isExpired(kept)
      latest = { ...file, atMs, seenMs: 0, neededMs: isUntold && isBesideValid ? FOUND_UNTOLD_MS : FOUND_MS }
    }
    wasBlind = false
    if (kept === undefined || latest.seenMs >= latest.neededMs) kept = latest
  }

  return {
    look({ isBlind = false } = {}) {
      wasBlind ||= isBlind
      const file = isBlind ? undefined : readNow(path)
      const good = file && isAcceptable(file) ? file : undefined
      if (good) take(good)
      // Without a valid token the file is read every second: what lies there is found.
      if (isExpired(kept) && good) {
        const expiredAtMs = kept ? kept.claims.exp * 1_000 : 0
        return { tokens: [good.token], publishedAtMs: Math.max(good.publishedAtMs, expiredAtMs) }
      }
      const tokens = [...new Set([latest, kept].filter((each) => !isExpired(each)).map(({ token }) => token))]
      return { tokens, publishedAtMs: file?.publishedAtMs }
    },
    refused(token) {
      if (kept?.token === token) kept = undefined
      if (latest?.token === token) latest = undefined
    },
  }
}

function readNow(path) {
  let file
  try {
    // A FIFO does not make it wait, and a device is not read to its end.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const { size, ctimeMs, ino, birthtimeMs } = fstatSync(file)
    if (size === 0 || size > MAX_BYTES) return undefined
    const token = readFileSync(file, 'utf8').trim()
    if (!TOKEN.test(token)) return undefined
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())
    return { token, claims, identity: `${ino} ${birthtimeMs}`, publishedAtMs: ctimeMs }
  } catch {
    return undefined
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
