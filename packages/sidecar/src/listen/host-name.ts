/**
 * The name in a `Host` header by the rules of browsers: lower case, without port and final dot, `0x7f.1` as
 * `127.0.0.1`, an IPv6 address in brackets; `undefined` when it is none.
 */
export function hostNameOf(host: string): string | undefined {
  if (!/^[\w.:[\]-]+$/.test(host)) return undefined
  try {
    return new URL(`http://${host}`).hostname.replace(/\.$/, '')
  } catch {
    return undefined
  }
}

/**
 * Whether nobody can point this name at us. A page of another origin can have a name of its own lead to 127.0.0.1, and
 * then talk to what answers there ("DNS rebinding"); but that name stands in `Host`, and an address or `localhost` is
 * none of its own.
 *
 * Not so the addresses that stand for no machine and lead to loopback all the same: to those a browser says nothing of
 * the page (`Sec-Fetch-…`), since it calls them no trustworthy ones (Secure Contexts, section 3.1), and with a GET no
 * `Origin` either.
 *
 * @param name as {@link hostNameOf} gives it
 */
export function isUnrebindable(name: string): boolean {
  if (name === '0.0.0.0' || name === '[::]' || name.startsWith('[::ffff:')) return false
  return name === 'localhost' || name.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(name)
}
