import { resolve } from 'node:path'
import { checkOptions } from './check-options.js'
import { systemClock } from './clock.js'
import * as check from './option-checks.js'
import type { TokenWatcherOptions } from './token-watcher-types.js'

/** Where the admission controller mounts the pod's own token. */
export const DEFAULT_TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount/token'

const CHECKS = {
  path: check.isFilePath,
  audience: check.isAudience,
  issuer: check.isNonEmptyString,
  subject: check.isNonEmptyString,
  reloadIntervalMs: check.isIntegerFrom(1_000),
  startupTimeoutMs: check.isIntegerFrom(0),
  maxTokenBytes: check.isMaxTokenBytes,
  watch: check.isBoolean,
  keepAlive: check.isBoolean,
  clock: check.isClock,
}

/** Checks the options of a watcher and fills in the defaults. @throws TypeError or RangeError */
export function resolveWatcherOptions(given: TokenWatcherOptions) {
  const options = checkOptions(given, CHECKS)
  return {
    // Now, and not at each read: the program may change its working directory.
    path: resolve(options.path ?? DEFAULT_TOKEN_PATH),
    expectations: {
      audience: [options.audience ?? []].flat(),
      issuer: options.issuer,
      subject: options.subject,
    },
    reloadIntervalMs: options.reloadIntervalMs ?? 300_000,
    startupTimeoutMs: options.startupTimeoutMs ?? 10_000,
    maxTokenBytes: options.maxTokenBytes ?? 1_048_576,
    watch: options.watch ?? true,
    keepAlive: options.keepAlive ?? false,
    clock: options.clock ?? systemClock,
  }
}
