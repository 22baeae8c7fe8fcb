import { usableUntilMs } from './expiry.js'
import { KUBELET_JITTER_MS, overdueAtMs, rotationDueAtMs, type TokenTimes } from './rotation.js'
import type { TokenErrorCode } from './token-error.js'

/** What the next read depends on. All times are Unix milliseconds. */
export interface ScheduleInput {
  readonly nowMs: number
  /** Of the valid token in use, if there is one. */
  readonly times: TokenTimes | undefined
  readonly reloadIntervalMs: number
  /** Failed reads and refused candidates in a row. */
  readonly failures: number
  readonly failureCode: TokenErrorCode | undefined
}

/** Reads are no closer together than this, except for {@link TORN_WRITE_RETRIES_MS}. */
export const MIN_READ_INTERVAL_MS = 1_000
/**
 * The longest wait while a rotation is due or reads fail: found within 60 s is promised (client-go re-reads every
 * 60 s − 10 s), and 10 s are left for a slow disk and a busy process.
 */
const MAX_DUE_INTERVAL_MS = 50_000
/** A writer that truncates and then writes is done within this. */
const TORN_WRITE_RETRIES_MS = [20, 50, 100] as const

/** How long to wait, from now, until the file is read again. Pure; never negative, NaN or longer than the cadence. */
export function nextReadDelayMs(input: ScheduleInput): number {
  const cadence = input.times
    ? delayByLifeMs(input.times, input.nowMs, input.reloadIntervalMs)
    : input.reloadIntervalMs
  return input.failures === 0 ? cadence : Math.min(cadence, delayByFailuresMs(input))
}

/** The cadence, shrunk so that a rotation that is due is found soon, and before the token in use expires. */
function delayByLifeMs(times: TokenTimes, nowMs: number, reloadIntervalMs: number): number {
  const dueMs = rotationDueAtMs(times)
  const lateMs = overdueAtMs(times)
  if (dueMs === undefined || lateMs === undefined) return reloadIntervalMs
  const endMs = usableUntilMs(times)
  const earliestMs = Math.max(nowMs, dueMs - KUBELET_JITTER_MS)
  const whileDueMs = clamp((endMs - earliestMs) / 4, MIN_READ_INTERVAL_MS, MAX_DUE_INTERVAL_MS)
  const pollAtMs = Math.min(nowMs + reloadIntervalMs, earliestMs + whileDueMs)
  // Two moments at which the answer matters: is the kubelet late, and is there nothing newer at the very end?
  const nextAtMs = Math.min(pollAtMs, later(lateMs, nowMs), later(endMs, nowMs))
  return nextAtMs - nowMs
}

function delayByFailuresMs({ times, failures, failureCode }: ScheduleInput): number {
  const tornWrite = failureCode === 'ERR_TOKEN_EMPTY' || failureCode === 'ERR_TOKEN_MALFORMED'
  const quickRetries = tornWrite ? TORN_WRITE_RETRIES_MS : []
  const quickRetryMs = quickRetries[failures - 1]
  if (quickRetryMs !== undefined) return quickRetryMs
  // Without a valid token nothing works, and not everyone who needs one asks, and so causes a read: gRPC sits out a
  // backoff of its own. What is good for a few seconds only must be found, too.
  if (!times) return MIN_READ_INTERVAL_MS
  const doublings = Math.min(failures - quickRetries.length - 1, 16)
  return Math.min(MIN_READ_INTERVAL_MS * 2 ** doublings, MAX_DUE_INTERVAL_MS)
}

/** `timeMs` if it is still to come. */
function later(timeMs: number, nowMs: number): number {
  return timeMs > nowMs ? timeMs : Number.POSITIVE_INFINITY
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}
