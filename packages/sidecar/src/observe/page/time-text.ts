/** How durations and times read. */
export type TimeText = ReturnType<typeof timeText>

/** Self-contained, as every part of the page is: the browser gets its text. */
export function timeText() {
  const UNITS = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const
  const pad = (value: number) => String(value).padStart(2, '0')
  const isDate = (atMs: number) => Number.isFinite(atMs) && Math.abs(atMs) <= 8.64e15

  /** Two digits or two units, cut, not rounded: what is left is never told longer than it is, and little of it ticks. */
  function span(ms: number): string {
    let restMs = Math.max(0, ms)
    if (!Number.isFinite(restMs)) return 'for ever'
    const parts: string[] = []
    for (const [unit, unitMs] of UNITS) {
      const count = Math.floor(restMs / unitMs)
      restMs -= count * unitMs
      if (count > 0) parts.push(`${count} ${unit}`)
      // Neighbours only: "2 d 4 s" would be no more exact than "2 d".
      else if (parts.length > 0) break
      if (parts.length === 2 || count >= 10) break
    }
    return parts.join(' ') || '0 s'
  }

  function relative(atMs: number, nowMs: number): string {
    const awayMs = atMs - nowMs
    if (Math.abs(awayMs) < 1_000) return 'now'
    return awayMs > 0 ? `in ${span(awayMs)}` : `${span(-awayMs)} ago`
  }

  const iso = (atMs: number) => (isDate(atMs) ? new Date(atMs).toISOString() : '')
  const offsetMs = (atMs: number) => -new Date(atMs).getTimezoneOffset() * 60_000

  /** In ISO's order. Within half a day the time alone is enough: it stands beside "53 min ago". */
  function clockTime(atMs: number, nowMs: number, shiftMs: number): string {
    const text = iso(atMs + shiftMs)
    if (text === '') return 'beyond all dates'
    const [date, time = ''] = text.split('T')
    const short = time.slice(0, 8)
    return Math.abs(atMs - nowMs) < 43_200_000 ? short : `${date} ${short}`
  }
  const utc = (atMs: number, nowMs: number) => {
    const text = clockTime(atMs, nowMs, 0)
    return isDate(atMs) ? `${text} UTC` : text
  }
  const local = (atMs: number, nowMs: number) => clockTime(atMs, nowMs, isDate(atMs) ? offsetMs(atMs) : 0)
  const isUtcHere = (atMs: number) => !isDate(atMs) || offsetMs(atMs) === 0

  /** `UTC+02:00`. */
  function zone(atMs: number): string {
    const minutes = isDate(atMs) ? offsetMs(atMs) / 60_000 : 0
    if (minutes === 0) return 'UTC'
    const size = Math.abs(minutes)
    return `UTC${minutes < 0 ? '−' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`
  }

  return { span, relative, iso, utc, local, isUtcHere, zone }
}
