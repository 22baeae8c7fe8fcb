import { formatAge, formatTime } from './format.js'

/** What of a token says when it ends. */
interface Expiring {
  readonly expiresAtMs: number | undefined
}

/**
 * The moment from which a token is not given any more: its `exp`, to the millisecond. Without a margin, since the
 * kubelet replaces a token long before: who would not be given the last one of a kubelet that is late has none at all.
 */
export function usableUntilMs({ expiresAtMs }: Expiring): number {
  return expiresAtMs ?? Number.POSITIVE_INFINITY
}

export function isExpired(token: Expiring, nowMs: number): boolean {
  return nowMs >= usableUntilMs(token)
}

/** Says since when a token that {@link isExpired} has been so. */
export function describeExpiry({ expiresAtMs = 0 }: Expiring, nowMs: number): string {
  return `holds a token that expired ${formatAge(nowMs - expiresAtMs)} ago, at ${formatTime(expiresAtMs)}`
}
