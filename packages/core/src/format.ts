const MAX_QUOTED_LENGTH = 200
/** What JSON leaves as it is and a terminal does not: DEL, C1, line separators, bidirectional marks. */
const UNPRINTABLE = /[\x7f-\x9f\u2028-\u202e\u2066-\u2069\u200e\u200f]/g

/** A value from a token, safe for a message: escaped, and no longer than a line or two. */
export function quote(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value)
  const text = json.replace(UNPRINTABLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return text.length <= MAX_QUOTED_LENGTH ? text : `${text.slice(0, MAX_QUOTED_LENGTH)}…`
}

/** A path, safe for a message, in single quotes. */
export function quotePath(path: string): string {
  return `'${quote(path).replace(/^"|"$/g, '').replaceAll('\\\\', '\\')}'`
}

/** ISO 8601 where a date can hold the time, else the number: no claim may make a message throw. */
export function formatTime(timeMs: number): string {
  return Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : `${timeMs} ms`
}

/** A duration as a person says it: its two largest units. */
export function formatAge(durationMs: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const
  let restMs = Math.max(0, durationMs)
  const parts: string[] = []
  for (const [unit, unitMs] of units) {
    const count = Math.floor(restMs / unitMs)
    restMs -= count * unitMs
    if (count > 0) parts.push(`${count} ${unit}`)
    if (parts.length === 2) break
  }
  return parts.join(' ') || '0 s'
}
