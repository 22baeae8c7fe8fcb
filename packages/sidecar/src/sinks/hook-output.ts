import { withoutSecretPatterns } from '../log/secret-patterns.js'
import { MIN_SECRET_LENGTH } from './hook-environment.js'

/** Enough for the message of a failed configuration test, too little to flood a log. */
const MAX_BYTES = 4_096
const UNSHOWN = /[\s\p{C}]/u
const UNSHOWN_RUN = /[\s\p{C}]+/gu

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
    if (withoutSpace(secret).compact.length >= MIN_SECRET_LENGTH) safe = withoutSecret(safe, secret, isCut)
  }
  safe = withoutSecretPatterns(safe).replace(UNSHOWN_RUN, ' ').trim()
  return isCut ? `${safe}…` : safe
}

/**
 * Removes a secret, also one that is wrapped into lines or spaced out, and the head of one that the end of a cut text
 * has halved.
 */
function withoutSecret(text: string, secret: string, isCut: boolean): string {
  const { compact, positions } = withoutSpace(text)
  const wanted = withoutSpace(secret).compact
  let safe = ''
  let kept = 0
  const remove = (begin: number, end: number) => {
    safe += `${text.slice(kept, positions[begin])}[token]`
    kept = (positions[end - 1] as number) + 1
  }
  let from = 0
  for (let at = compact.indexOf(wanted); at >= 0; at = compact.indexOf(wanted, from)) {
    from = at + wanted.length
    remove(at, from)
  }
  const longest = isCut ? Math.min(wanted.length - 1, compact.length - from) : 0
  for (let length = longest; length >= 4; length--) {
    if (!compact.endsWith(wanted.slice(0, length))) continue
    remove(compact.length - length, compact.length)
    break
  }
  return safe + text.slice(kept)
}

/** A text without what a log does not show, and where each of its characters stood. */
function withoutSpace(text: string): { compact: string; positions: readonly number[] } {
  let compact = ''
  const positions: number[] = []
  let position = 0
  for (const character of text) {
    if (!UNSHOWN.test(character)) {
      compact += character
      for (let unit = 0; unit < character.length; unit++) positions.push(position + unit)
    }
    position += character.length
  }
  return { compact, positions }
}
