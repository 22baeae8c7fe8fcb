import type { Clock } from './clock.js'

/** A server that refuses everything must not turn every request into a read: one look a second at one token. */
const MIN_LOOK_INTERVAL_MS = 1_000

/** The looks at the file that servers cause by refusing the token in use. */
export interface RefusalLooks {
  /** The token in use was refused: a look is due now, or, when the last one at it was just now, put off. */
  report(token: string): void
  /** Whether a look is due that no finished read has answered: until then the token is not given. */
  isDue(): boolean
  /** Whether the read that is running answers it. */
  isUnderWay(): boolean
  /** Milliseconds until a look that was put off; infinite when there is none. */
  putOffMs(): number
  beginRead(): void
  endRead(isRotated: boolean): void
}

export function createRefusalLooks(clock: Clock): RefusalLooks {
  let due = false
  let underWay = false
  let putOffUntilMs = Number.POSITIVE_INFINITY
  let last: { token: string; atMs: number } | undefined

  return {
    report(token) {
      if (due) return
      const nowMs = clock.monotonicNow()
      if (last?.token === token && nowMs < last.atMs + MIN_LOOK_INTERVAL_MS) {
        putOffUntilMs = last.atMs + MIN_LOOK_INTERVAL_MS
        return
      }
      due = true
      last = { token, atMs: nowMs }
    },
    isDue: () => due,
    isUnderWay: () => underWay,
    putOffMs: () => Math.max(0, putOffUntilMs - clock.monotonicNow()),
    beginRead() {
      underWay = due
      if (clock.monotonicNow() < putOffUntilMs || last === undefined) return
      putOffUntilMs = Number.POSITIVE_INFINITY
      last.atMs = clock.monotonicNow()
    },
    endRead(isRotated) {
      if (underWay || isRotated) due = false
      underWay = false
      if (isRotated) putOffUntilMs = Number.POSITIVE_INFINITY
    },
  }
}
