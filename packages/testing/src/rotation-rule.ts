/** `maxTTL` of the kubelet's token manager: an older token is refreshed whatever its expiry. */
const MAX_AGE_MS = 24 * 60 * 60 * 1_000
/** `maxJitter` of the kubelet's token manager: 10 s, of which whole seconds from 0 to 9 come out. */
const MAX_JITTER_SECONDS = 10
/** `workerResyncIntervalJitterFactor` of the kubelet: a pod syncs every 1 to 1.5 periods. */
const SYNC_JITTER_FACTOR = 0.5
/** `initialDurationBeforeRetry` and `maxDurationBeforeRetry` of a volume that cannot be set up. */
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 122_000

/** What the kubelet schedules by: from the answer to its TokenRequest, not from the token's claims. */
export interface TokenRequestStatus {
  /** Unix time in milliseconds: `status.expirationTimestamp`. With an extended expiration it is not `exp`. */
  expirationTimestampMs: number
  /** `spec.expirationSeconds`. */
  expirationSeconds: number
}

/** The moment after which a check with a jitter of 0 refreshes: 20 % before the expiry, or at 24 h. Unix time, ms. */
function refreshDueMs(status: TokenRequestStatus): number {
  const issuedAtMs = status.expirationTimestampMs - status.expirationSeconds * 1_000
  // Whole seconds, as Go's integer division gives them.
  const lastFifthMs = Math.floor((status.expirationSeconds * 20) / 100) * 1_000
  return Math.min(issuedAtMs + MAX_AGE_MS, status.expirationTimestampMs - lastFifthMs)
}

/**
 * Whether a kubelet that looks at `nowMs` requests a new token: `requiresRefresh` of Kubernetes'
 * `pkg/kubelet/token/token_manager.go` (release 1.36), with its jitter as a parameter.
 */
export function requiresRefresh(status: TokenRequestStatus, nowMs: number, jitterSeconds: number): boolean {
  return nowMs > refreshDueMs(status) - jitterSeconds * 1_000
}

/** The jitter of one check: whole seconds, 0 to 9. `random` gives 0 or more, less than 1. */
export function rollJitterSeconds(random: () => number): number {
  return Math.floor(random() * MAX_JITTER_SECONDS)
}

/** The time from one sync of a pod to the next, in milliseconds: 60 to 90 s by default. */
export function nextSyncDelayMs(syncPeriodMs: number, random: () => number): number {
  return syncPeriodMs * (1 + random() * SYNC_JITTER_FACTOR)
}

/** The wait after the nth failure in a row (from 1) to set the volume up: 500 ms, doubled, at most 2 min 2 s. */
export function retryDelayMs(failures: number): number {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1))
}

/** When a healthy kubelet replaces a token. */
export interface RotationWindow {
  /** No check before this moment refreshes (jitter of 9 s). Unix time, ms. */
  earliestMs: number
  /** No kubelet that syncs on schedule is later, but for the time that the writing takes. Unix time, ms. */
  latestMs: number
}

/**
 * Between which moments the file changes. `latestMs` of a 600 s token is 30 s before its expiry: the check just
 * before the refresh is due misses it, and the next one may be 90 s away.
 *
 * @param syncPeriodMs as in the kubelet's `syncFrequency`, in milliseconds. @default 60_000
 */
export function rotationWindow(status: TokenRequestStatus, syncPeriodMs = 60_000): RotationWindow {
  const dueMs = refreshDueMs(status)
  return {
    earliestMs: dueMs - (MAX_JITTER_SECONDS - 1) * 1_000,
    latestMs: dueMs + syncPeriodMs * (1 + SYNC_JITTER_FACTOR),
  }
}
