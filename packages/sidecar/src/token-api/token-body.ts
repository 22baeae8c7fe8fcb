import type { Token } from '@projected-token/core'
import type { Source } from '../source.js'

/** `{ name, kind, token, expiresAt, expiresAtMs }` in one line: as a sink of the format `json` has it. */
export function tokenBody({ name, kind }: Source, { token, expiresAtMs }: Token): string {
  const isDate = expiresAtMs !== undefined && Math.abs(expiresAtMs) <= 8.64e15
  return `${JSON.stringify({
    name,
    kind,
    token,
    /** RFC 3339; `null`: unknown, or never. */
    expiresAt: isDate ? new Date(expiresAtMs).toISOString() : null,
    expiresAtMs: expiresAtMs ?? null,
  })}\n`
}

/** Whether a client wants the token alone: `text/plain` comes first in its `Accept`. */
export function wantsText(accept: string | undefined): boolean {
  return /^\s*text\/plain\s*(?:[;,]|$)/i.test(accept ?? '')
}
