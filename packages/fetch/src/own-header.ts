/**
 * Whether this value of the credential's header is one of the caller's own, which always wins. Any is, an empty one
 * too: the caller wrote it. `undefined` is no header, as in undici.
 */
export function isOwnCredential(value: unknown): boolean {
  return value !== undefined
}
