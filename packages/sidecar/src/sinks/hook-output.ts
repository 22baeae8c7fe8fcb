import { withoutSecretPatterns } from '../log/secret-patterns.js'
import { MIN_SECRET_LENGTH } from './hook-environment.js'

/** Enough for the message of a failed configuration test, too little to flood a log. */
const MAX_BYTES = 4_096

/** Collects the beginning of what a command prints; the rest is read and dropped, so that the command never blocks. */
export function createHookOutput() {
  const chunks: Buffer[] = []
  let length = 0
  let isCut = false
  return {
    add(chunk: Buffer): void {
      const kept = chunk.subarray(0, MAX_BYTES - length)
      if (kept.length > 0) chunks.push(Buffer.from(kept))
      length += kept.length
      isCut ||= kept.length < chunk.length
    },
    /** @param secrets what is removed, whatever it looks like */
    text: (secrets: readonly string[]) => safeText(Buffer.concat(chunks).toString('utf8'), isCut, secrets),
  }
}

/** Safe for a log: without anything that looks like a token, and without control characters. Pure. */
function safeText(text: string, isCut: boolean, secrets: readonly string[]): string {
  let safe = text
  for (const secret of secrets) {
    if (secret.length >= MIN_SECRET_LENGTH) safe = withoutSecret(safe, secret, isCut)
  }
  safe = withoutSecretPatterns(safe)
    .replace(/[\s\p{C}]+/gu, ' ')
    .trim()
  return isCut ? `${safe}…` : safe
}

/** Removes a secret, and the head of one that the end of a cut text has halved. */
function withoutSecret(text: string, secret: string, isCut: boolean): string {
  const safe = text.replaceAll(secret, '[token]')
  if (!isCut) return safe
  for (let length = Math.min(secret.length - 1, safe.length); length >= 4; length--) {
    if (safe.endsWith(secret.slice(0, length))) return `${safe.slice(0, -length)}[token]`
  }
  return safe
}
