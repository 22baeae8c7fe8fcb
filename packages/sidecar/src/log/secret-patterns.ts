/**
 * What a JSON Web Token looks like, whole or cut short: `eyJ` is `{"` in base64url, with which its header and its
 * claims begin. One segment alone is enough: a piece of a token is a piece of a secret.
 */
const JWT = /eyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g

/**
 * What a Vault token looks like: `hvs.`, `hvb.` and `hvr.`, and before Vault 1.10 `s.`, `b.` and `r.`, which must be
 * longer than the names that could be taken for them; with or without a namespace's suffix.
 */
const VAULT_TOKEN = /(?<![\w.-])(?:hv[sbr]\.[\w-]{8,}|[sr]\.[A-Za-z0-9]{24,}|b\.[\w-]{40,})(?:\.[\w-]+)*/g

/** `Bearer …`, `Basic …`: whatever is sent as credentials. */
const CREDENTIALS = /\b(bearer|basic)(\s+|%20|\+)[\w.~+/=-]{4,}/gi

/** The text without what looks like a JWT, a Vault token or credentials of a header. */
export function withoutSecretPatterns(text: string): string {
  return text
    .replace(JWT, '[JWT]')
    .replace(VAULT_TOKEN, '[Vault token]')
    .replace(CREDENTIALS, '$1$2[credentials]')
}

/** Whether the text holds what looks like a JWT or a Vault token. */
export function containsSecret(text: string): boolean {
  return text.search(JWT) >= 0 || text.search(VAULT_TOKEN) >= 0
}
