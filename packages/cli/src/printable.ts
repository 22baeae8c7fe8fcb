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

/**
 * What a Vault token looks like: `hvs.`, `hvb.` and `hvr.`, and before Vault 1.10 `s.`, `b.` and `r.`, which must be
 * longer than the names that could be taken for them; with or without a namespace's suffix.
 */
const VAULT_TOKEN = /(?<![\w.-])(?:hv[sbr]\.[\w-]{8,}|[sr]\.[A-Za-z0-9]{24,}|b\.[\w-]{40,})(?:\.[\w-]+)*/g

/** The last line of defence: nothing that looks like a JWT or a Vault token leaves the program. */
export function redactSecrets(text: string): string {
  return text.replace(JWT, '[a JWT, not shown]').replace(VAULT_TOKEN, '[a Vault token, not shown]')
}

/** The same, but for one token that somebody asked to see. */
export function redactAllBut(token: string, text: string): string {
  return text.split(token).map(redactSecrets).join(token)
}

/** Whether somebody gave a token where a name or a path belongs. */
export function looksLikeToken(text: string): boolean {
  return text.search(JWT) >= 0 || text.search(VAULT_TOKEN) >= 0
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
