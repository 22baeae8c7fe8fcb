import { isOwnCredential } from '../own-header.js'

/** Where the credential goes in a request's headers. */
export interface HeaderSlot {
  /** The caller has set the header: it wins. */
  readonly taken: boolean
  /** The caller's headers; a copy when they could be read only once. */
  readonly headers: unknown
  /** A copy of the headers with the credential. The caller's own are never changed: a redirect or a retry outside
   *  dispatches them again, to another origin perhaps. */
  fill(value: string): unknown
}

/**
 * Looks for a header in all the forms that undici takes: a record, a flat array of names and values, an iterable of
 * pairs (a `Headers`, a `Map`, a generator), nothing.
 */
export function headerSlot(headers: unknown, name: string): HeaderSlot {
  if (headers === undefined || headers === null) {
    return { taken: false, headers, fill: (value) => ({ [name]: value }) }
  }
  if (typeof headers !== 'object') return { taken: true, headers, fill: () => headers } // undici refuses it
  const flat = flatten(headers)
  if (flat !== undefined) {
    const taken = flat.some((field, i) => i % 2 === 0 && isField(field, flat[i + 1], name))
    return {
      taken,
      headers: Array.isArray(headers) ? headers : flat,
      fill: (value) => [...flat, name, value],
    }
  }
  // Read now: the caller may change it while the token is awaited.
  const record: Record<string, unknown> = { ...headers }
  const taken = Object.keys(record).some((field) => isField(field, record[field], name))
  return { taken, headers, fill: (value) => ({ ...record, [name]: value }) }
}

function isField(field: unknown, value: unknown, name: string): boolean {
  // A Buffer is what `http.IncomingMessage` and undici's raw headers have.
  return isOwnCredential(value) && String(field).toLowerCase() === name
}

/** Names and values in turn; `undefined` for a record. */
function flatten(headers: object): unknown[] | undefined {
  if (Array.isArray(headers) && !Array.isArray(headers[0])) return [...headers]
  if (typeof (headers as Iterable<unknown>)[Symbol.iterator] !== 'function') return undefined
  const flat: unknown[] = []
  for (const pair of headers as Iterable<readonly unknown[]>) flat.push(pair[0], pair[1])
  return flat
}
