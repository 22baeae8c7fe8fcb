import { createHash } from 'node:crypto'

/** Enough to tell the tokens of a cluster apart, and far too little to find one by. */
const HEX_DIGITS = 12

/** The first 12 hexadecimal digits of a token's SHA-256: tells tokens apart and gives nothing away. */
export function tokenFingerprint(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, HEX_DIGITS)
}
