import { withoutSecretPatterns } from './secret-patterns.js'

/** Several rotations of several tokens: an error of a request that began long ago may still name an old one. */
const MAX_REMEMBERED = 64
/** A shorter piece of a token gives nothing away, and could be a word. */
const MIN_PIECE_LENGTH = 16

/** Takes secrets out of text. */
export interface SecretFilter {
  /** From now on, what this gives is taken out too, and so is what it gave once. */
  hide(current: () => string | undefined): void
  clean(text: string): string
}

/**
 * The last thing before output, on whole lines: so it holds for whatever code logs, and however. It knows the tokens in
 * use, of whatever form, and what tokens look like.
 */
export function createSecretFilter(): SecretFilter {
  const sources: (() => string | undefined)[] = []
  const remembered = new Set<string>()

  function remember(token: string): void {
    // The one used last stays longest.
    remembered.delete(token)
    remembered.add(token)
    const [oldest] = remembered
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
  }

  return {
    hide: (current) => void sources.push(current),
    clean(text) {
      for (const current of sources) {
        const token = current()
        if (token) remember(token)
      }
      let cleaned = text
      for (const token of remembered) {
        for (const piece of piecesOf(token)) cleaned = cleaned.replaceAll(piece, '[token]')
      }
      return withoutSecretPatterns(cleaned)
    },
  }
}

/** The token, and what its dots divide: also as they stand in JSON. */
function piecesOf(token: string): string[] {
  const pieces = [token, ...token.split('.').filter((piece) => piece.length >= MIN_PIECE_LENGTH)]
  return pieces.flatMap((piece) => [piece, JSON.stringify(piece).slice(1, -1)])
}
