/** A claim may be as long as a token file: a screen, a message of the stream and a scrape are not. */
const MAX_TEXT = 1_000
const MAX_ITEMS = 20

/** The same value with long texts cut and long lists ended: what a token says of itself has no other limit. */
export function bounded<Value>(value: Value): Value {
  return bound(value) as Value
}

function bound(value: unknown): unknown {
  if (typeof value === 'string') return boundedText(value)
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(bound)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).slice(0, 5 * MAX_ITEMS)
  return Object.fromEntries(entries.map(([key, item]) => [boundedText(key), bound(item)]))
}

function boundedText(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`
}
