import type { LogLevel } from '../config/sidecar-config.js'

/** All of them, from the one that says least. */
export const LOG_LEVELS = [
  'fatal',
  'error',
  'warn',
  'info',
  'debug',
  'trace',
  'silent',
] as const satisfies readonly LogLevel[]
