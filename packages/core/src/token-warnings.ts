import { quotePath } from './format.js'
import type { ParsedToken, TokenKind } from './parse-token.js'
import type { TokenWarning } from './token-watcher-types.js'

/** client-go and the API server disagree on clocks by seconds, not minutes; beyond it, a clock is wrong. */
const CLOCK_TOLERANCE_MS = 60_000

const KIND_WARNINGS: Partial<Record<TokenKind, { warning: TokenWarning; message: string }>> = {
  legacy: {
    warning: 'LEGACY_TOKEN',
    message:
      'is a legacy service account token: it never expires and names no audience. Use a projected token',
  },
  unexpiring: {
    warning: 'UNEXPIRING_TOKEN',
    message: 'has no expiry: only the reload interval finds its successor',
  },
  opaque: {
    warning: 'OPAQUE_TOKEN',
    message: 'is not a JWT: its expiry is unknown, and only the reload interval finds its successor',
  },
}

/** What an operator should know about a token although it works. */
export function tokenWarnings(token: ParsedToken, nowMs: number): TokenWarning[] {
  const warnings: TokenWarning[] = []
  const ofKind = KIND_WARNINGS[token.kind]
  if (ofKind) warnings.push(ofKind.warning)
  if (token.notBeforeMs !== undefined && token.notBeforeMs > nowMs + CLOCK_TOLERANCE_MS)
    warnings.push('NOT_YET_VALID')
  return warnings
}

const warned = new Set<string>()

/** Emits a process warning, once a process and path, for a kind of token that deserves one. */
export function warnOfKind(path: string, kind: TokenKind): void {
  const ofKind = KIND_WARNINGS[kind]
  const key = `${kind} ${path}`
  if (!ofKind || warned.has(key)) return
  warned.add(key)
  process.emitWarning(`The token in ${quotePath(path)} ${ofKind.message}`, {
    code: `PROJECTED_TOKEN_${ofKind.warning}`,
  })
}
