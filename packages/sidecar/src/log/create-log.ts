import type { FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'
import { describeValue } from '../config/problem.js'
import type { LogLevel } from '../config/sidecar-config.js'
import { LOG_LEVELS } from './levels.js'
import { createSecretFilter } from './secret-filter.js'
import { SERIALIZERS } from './serializers.js'

/** Fields that carry secrets wherever they appear. */
const SECRET_FIELDS = [
  'authorization',
  'proxy-authorization',
  'x-vault-token',
  'cookie',
  'set-cookie',
  'token',
  'jwt',
]
const SECRET_PATHS = SECRET_FIELDS.flatMap((field) => {
  const key = `["${field}"]`
  return [key, `*${key}`, `*.*${key}`]
})

/** Structured log lines without secrets. */
export interface Log {
  /** Takes the lines, as pino's logger does. */
  readonly logger: FastifyBaseLogger
  /** Takes what this gives, now or once, out of every line. */
  hide(current: () => string | undefined): void
}

/** Options of {@link createLog}. */
export interface LogOptions {
  /** @default 'info' */
  level?: LogLevel | undefined
  /** Gets whole lines. @default writes to standard output */
  write?: ((line: string) => void) | undefined
}

/**
 * One JSON object a line: `level`, `time` (ISO 8601), `name`, `msg` and what belongs to it. Serializers never take
 * headers, queries or bodies; fields named for secrets are redacted; a filter over the whole line is what holds if
 * both do not.
 *
 * @throws RangeError when `level` is none
 */
export function createLog({ level = 'info', write = writeToStdout }: LogOptions = {}): Log {
  if (!LOG_LEVELS.includes(level)) {
    throw new RangeError(`'level' must be one of ${LOG_LEVELS.join(', ')}; got ${describeValue(level)}`)
  }
  const filter = createSecretFilter()
  const logger = pino(
    {
      name: 'projected-token-sidecar',
      level,
      // A container's log says which one it is; a hostname and a process id of 1 add nothing.
      base: {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: SERIALIZERS,
      redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    },
    { write: (line: string) => write(filter.clean(line)) },
  )
  return { logger: logger as FastifyBaseLogger, hide: filter.hide }
}

function writeToStdout(line: string): void {
  process.stdout.write(line)
}
