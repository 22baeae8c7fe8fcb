/** The times of a token that decide when it is replaced, in Unix milliseconds. */
export interface TokenTimes {
  /** `iat`; where a token has none, the time it was loaded stands in. */
  readonly issuedAtMs: number
  /** `exp`; `undefined`: never, or unknown. */
  readonly expiresAtMs: number | undefined
  /** `kubernetes.io.warnafter`: it counts instead of an `exp` that lies later. @default none */
  readonly warnAfterMs?: number | undefined
}

/** The kubelet replaces a token this long after `iat` at the latest (`maxTTL` in pkg/kubelet/token/token_manager.go). */
const KUBELET_MAX_AGE_MS = 24 * 60 * 60_000
/** …and when this part of its life is left (`requiresRefresh` in the same file). */
const KUBELET_REMAINING_LIFE = 0.2
/** …up to this much earlier: `maxJitter`, 10 s, rolled anew at each check. */
export const KUBELET_JITTER_MS = 10_000
/** The check runs when the pod is synced: every 60 to 90 s (`SyncFrequency` and its jitter in pkg/kubelet). */
const KUBELET_MAX_SYNC_MS = 90_000

/** When the server begins to mind: `exp`, or `warnafter` where the API server extended `exp` to a year. */
function endOfLifeMs(times: TokenTimes): number | undefined {
  if (times.warnAfterMs === undefined) return times.expiresAtMs
  return Math.min(times.warnAfterMs, times.expiresAtMs ?? Number.POSITIVE_INFINITY)
}

/** When the kubelet begins to replace the token: at 80 % of its life or 24 h; `undefined` without an expiry. */
export function rotationDueAtMs(times: TokenTimes): number | undefined {
  const endMs = endOfLifeMs(times)
  if (endMs === undefined) return undefined
  const lifeMs = Math.max(0, endMs - times.issuedAtMs)
  return Math.min(times.issuedAtMs + KUBELET_MAX_AGE_MS, endMs - KUBELET_REMAINING_LIFE * lifeMs)
}

/**
 * When a token that is still there means that the kubelet is late: one slow pod sync after it is due, and for lives
 * under 10 min, where that would be past expiry, at three quarters of what is left.
 */
export function overdueAtMs(times: TokenTimes): number | undefined {
  const dueMs = rotationDueAtMs(times)
  const endMs = endOfLifeMs(times)
  if (dueMs === undefined || endMs === undefined) return undefined
  return dueMs + Math.min(KUBELET_MAX_SYNC_MS, 0.75 * (endMs - dueMs))
}

/** Whether the kubelet should have replaced a token of these times by now. */
export function isOverdue(times: TokenTimes, nowMs: number): boolean {
  const lateMs = overdueAtMs(times)
  return lateMs !== undefined && nowMs >= lateMs
}
