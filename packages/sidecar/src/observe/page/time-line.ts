/** The moments of a token's life. */
export interface Life {
  readonly bornAtMs: number
  /** When it should be replaced or renewed. */
  readonly dueAtMs: number | undefined
  /** When it ends. */
  readonly endsAtMs: number | undefined
}

/** Where they lie on a line, in per cent of its length. */
export interface TimeLine {
  readonly now: number
  readonly due: number | undefined
  /** `undefined`: it has no end, or that lies beyond the line. */
  readonly end: number | undefined
  /** Whether the life goes on beyond the line. */
  readonly isOpen: boolean
}

export function timeLineOf() {
  return function timeLine({ bornAtMs, dueAtMs, endsAtMs }: Life, nowMs: number): TimeLine {
    /** Of a life, when the kubelet replaces the token. */
    const DUE_SHARE = 0.8
    const EARLY_SHARE = 0.5
    // A life that neither ends nor is renewed has no scale: now is in the middle of it.
    if (dueAtMs === undefined && endsAtMs === undefined) {
      return { now: 50, due: undefined, end: undefined, isOpen: true }
    }
    const lastMs = Math.max(nowMs, bornAtMs)
    // Where the due moment comes early in a long life (24 h of a year), the line ends where 80 % would be its due.
    const isEarly =
      dueAtMs !== undefined &&
      (endsAtMs === undefined || dueAtMs - bornAtMs < EARLY_SHARE * (endsAtMs - bornAtMs))
    const wantedMs = isEarly ? bornAtMs + (dueAtMs - bornAtMs) / DUE_SHARE : (endsAtMs ?? lastMs)
    const roomMs = (lastMs - bornAtMs) * 1.04 + bornAtMs
    const axisEndMs = Math.max(
      lastMs,
      Math.min(endsAtMs ?? Number.POSITIVE_INFINITY, Math.max(wantedMs, roomMs)),
    )
    const place = (atMs: number) => {
      const share = axisEndMs > bornAtMs ? (atMs - bornAtMs) / (axisEndMs - bornAtMs) : 1
      return Math.round(10_000 * Math.min(1, Math.max(0, share))) / 100
    }
    const isBeyond = endsAtMs === undefined || endsAtMs > axisEndMs
    return {
      now: place(nowMs),
      due: dueAtMs === undefined ? undefined : place(dueAtMs),
      end: isBeyond ? undefined : place(endsAtMs),
      isOpen: isBeyond,
    }
  }
}
