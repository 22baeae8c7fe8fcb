/** A message of Vault's fits; a page of a proxy does not. */
const MAX_LENGTH = 300

/** Vault ≥ 1.10 (`hvs.`, `hvb.`, `hvr.`) and before (`s.`, `b.`, `r.`), with or without a namespace suffix. */
const VAULT_TOKEN = /\b(?:hv[sbr]|[sbr])\.[\w-]{8,}(?:\.[\w-]+)*/g
/** Whole JWTs and their heads; also what a quoting server has cut short. */
const JWT = /\beyJ[\w-]{4,}(?:\.[\w-]*)*/g
/** Any other long run of token characters. Longer than every word, path segment, UUID and accessor of Vault's messages. */
const LONG_SECRET = /[\w+/=-]{60,}/g

/**
 * What somebody else said, safe for a message: one line, bounded, and without anything that looks like a token.
 *
 * @param secrets what was sent, to be removed wherever it stands and whatever it looks like.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  let safe = text
  for (const secret of secrets) if (secret !== '') safe = safe.replaceAll(secret, '(redacted)')
  safe = safe
    .replace(JWT, '(redacted)')
    .replace(VAULT_TOKEN, '(redacted)')
    .replace(LONG_SECRET, '(redacted)')
    .replace(/[\s\p{C}]+/gu, ' ')
    .trim()
  return safe.length <= MAX_LENGTH ? safe : `${safe.slice(0, MAX_LENGTH)}…`
}
