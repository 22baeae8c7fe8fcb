/** What Vault answered, or why it did not. */
export type Answer = HttpAnswer | NoAnswer

/** An HTTP answer, read. */
export interface HttpAnswer {
  readonly kind: 'http'
  readonly status: number
  /** The parsed body; `undefined` when it is not JSON. */
  readonly body: unknown
  /** `errors` of the body, or the beginning of a body that is not Vault's. Not redacted. */
  readonly errors: readonly string[]
  readonly retryAfterMs: number | undefined
  /** When the request was sent: monotonic milliseconds. */
  readonly sentAtMs: number
}

/** No answer: the network, the certificate, time, a redirect that must not be followed, or `close()`. */
export interface NoAnswer {
  readonly kind: 'none'
  readonly why: 'transport' | 'timeout' | 'tls' | 'redirect' | 'aborted'
  readonly problem: string
  readonly cause?: unknown
}

/** `errors` of an answer, however it is spelt; Vault joins several into one text. */
export function errorsOf(body: unknown, text: string): string[] {
  const { errors } = (typeof body === 'object' && body !== null ? body : {}) as { errors?: unknown }
  if (Array.isArray(errors)) return errors.filter((error) => typeof error === 'string')
  return text.trim() === '' || body !== undefined ? [] : [text.slice(0, 300)]
}

/** The longest wait that an answer can impose: as long as this package's own longest backoff. */
const MAX_RETRY_AFTER_MS = 300_000

/** `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date, which is compared with the wall clock. */
export function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - nowMs
  return Number.isFinite(ms) ? Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms)) : undefined
}

/** Reads an answer. @param nowMs the wall clock, to compare a date in `Retry-After` with */
export function readAnswer(
  status: number,
  text: string,
  retryAfter: string | undefined,
  sentAtMs: number,
  nowMs: number,
): HttpAnswer {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    body = undefined
  }
  const retryAfterMs = readRetryAfter(retryAfter, nowMs)
  return { kind: 'http', status, body, errors: errorsOf(body, text), retryAfterMs, sentAtMs }
}
