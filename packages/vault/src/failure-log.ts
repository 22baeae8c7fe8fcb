import type { FailureClass } from './classify-answer.js'
import type { VaultError, VaultErrorCode } from './vault-error.js'
import type { VaultFailureStatus } from './vault-types.js'

/** The failures in a row that have not ended yet, or the last such row. */
export interface FailureLog {
  /** The error of the row that goes on; `undefined` when all is well. */
  readonly ongoing: VaultError | undefined
  /** @returns whether it is the first one of a row. */
  fail(error: VaultError, failure: FailureClass, during: 'login' | 'renewal', nowMs: number): boolean
  /** Ends the row. @returns the row, if there was one. */
  succeed(): { readonly failures: number; readonly sinceMs: number } | undefined
  status(): VaultFailureStatus | undefined
  /** All of them since the beginning, by their codes. */
  counts(): Readonly<Partial<Record<VaultErrorCode, number>>>
}

export function createFailureLog(): FailureLog {
  let last: (Omit<VaultFailureStatus, 'code' | 'message'> & { error: VaultError }) | undefined
  const counts: Partial<Record<VaultErrorCode, number>> = {}
  return {
    get ongoing() {
      return last?.ongoing ? last.error : undefined
    },
    fail(error, failure, during, nowMs) {
      const before = last?.ongoing ? last : undefined
      const sinceMs = before?.sinceMs ?? nowMs
      counts[error.code] = (counts[error.code] ?? 0) + 1
      last = { error, class: failure, during, sinceMs, count: (before?.count ?? 0) + 1, ongoing: true }
      return before === undefined
    },
    succeed() {
      if (!last?.ongoing) return undefined
      last = { ...last, ongoing: false }
      return { failures: last.count, sinceMs: last.sinceMs }
    },
    status() {
      if (!last) return undefined
      const { error, ...rest } = last
      return { code: error.code, message: error.message, ...rest }
    },
    counts: () => ({ ...counts }),
  }
}
