const DEFAULT_MAX_LENGTH = 200

/**
 * Control, format (bidirectional, zero-width), surrogate, private and unassigned characters, and line separators: all
 * with which text from a file could move the cursor, hide or reorder what a terminal shows.
 */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu

/** Text from a token, a file or the command line, safe for a terminal: one line, nothing invisible, not too long. */
export function printable(text: string, maxLength: number = DEFAULT_MAX_LENGTH): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text
  return cut.replace(UNPRINTABLE, escapeCharacter)
}

/** JSON whose strings hold nothing unprintable either. `undefined` becomes `null`, so that every key is there. */
export function printableJson(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, (_key, field) => (field === undefined ? null : field), indent)
  // Outside of its strings, JSON has no unprintable character but the line feeds of its indentation.
  return json.replace(UNPRINTABLE, (character) => (character === '\n' ? character : escapeUnits(character)))
}

/** What a JSON Web Token looks like, whole or cut short, wherever it stands. */
const JWT = /eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?/g

/** The last line of defence: nothing that looks like a JWT leaves the program. */
export function redactJwts(text: string): string {
  return text.replace(JWT, '[a JWT, not shown]')
}

/** Whether somebody gave a token where a name or a path belongs. */
export function looksLikeJwt(text: string): boolean {
  return text.search(JWT) >= 0
}

function escapeCharacter(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}

function escapeUnits(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}
