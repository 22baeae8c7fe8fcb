/** The shape of the configuration, as JSON Schema; `format` names one of formats.ts. What crosses parts is in cross-checks.ts. */

import { LOG_LEVELS } from '../log/levels.js'
import { MAX_LOGIN_SPREAD_MS, MIN_LOGIN_SPREAD_MS } from './duration.js'

const text = (format: string) => ({ type: 'string', format })
const map = (properties: Record<string, object>, required: readonly string[] = []) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})
const list = (items: object, minItems = 0) => ({ type: 'array', items, minItems })
/** One hour: longer than any of the others has a use. */
const durationMs = (minimum: number, maximum = 3_600_000) => ({ type: 'integer', minimum, maximum })

const token = map(
  {
    name: text('name'),
    path: text('path'),
    audience: { type: ['string', 'array'], items: text('word'), minItems: 1, minLength: 1 },
    issuer: text('word'),
    subject: text('word'),
    reloadInterval: text('interval'),
    reloadIntervalMs: durationMs(1_000),
    watch: { type: 'boolean' },
  },
  ['name', 'path'],
)

const vaultToken = map(
  {
    name: text('name'),
    jwt: text('name'),
    role: text('word'),
    address: text('vaultAddress'),
    method: { enum: ['kubernetes', 'jwt'] },
    mount: text('word'),
    namespace: text('word'),
    caCert: text('path'),
    loginSpread: text('loginSpread'),
    loginSpreadMs: durationMs(MIN_LOGIN_SPREAD_MS, MAX_LOGIN_SPREAD_MS),
  },
  ['name', 'jwt', 'role'],
)

const proxy = map(
  {
    listen: text('listen'),
    allowNonLoopback: { type: 'boolean' },
    upstream: text('upstream'),
    token: text('name'),
    vaultToken: text('name'),
    header: text('header'),
    scheme: text('scheme'),
    clientHeader: { enum: ['keep', 'replace'] },
    caCert: text('path'),
    allowedHosts: list(text('hostName')),
    connectTimeout: text('timeLimit'),
    connectTimeoutMs: durationMs(1),
    headersTimeout: text('timeLimit'),
    headersTimeoutMs: durationMs(1),
    socketMode: text('mode'),
    socketGroup: { type: 'integer', minimum: 0, maximum: 4_294_967_294 },
  },
  ['listen', 'upstream'],
)

const sink = map(
  {
    token: text('name'),
    vaultToken: text('name'),
    path: text('path'),
    mode: text('mode'),
    owner: text('owner'),
    format: { enum: ['token', 'json'] },
    onChange: map({
      command: list(text('word'), 1),
      timeout: text('timeLimit'),
      timeoutMs: durationMs(1),
      signal: { enum: ['HUP', 'INT', 'TERM', 'USR1', 'USR2', 'WINCH', 'QUIT'] },
      pidFile: text('path'),
    }),
  },
  ['path'],
)

const listener = (more: Record<string, object> = {}) => map({ listen: text('listenOrOff'), ...more })

export const CONFIG_SCHEMA = map({
  tokens: list(token, 1),
  vaultTokens: list(vaultToken),
  api: listener({
    socketMode: text('mode'),
    socketGroup: { type: 'integer', minimum: 0, maximum: 4_294_967_294 },
  }),
  proxies: list(proxy),
  sinks: list(sink),
  health: listener(),
  status: listener({ allowedHosts: list(text('hostName')) }),
  shutdownTimeout: text('duration'),
  shutdownTimeoutMs: durationMs(0),
  logLevel: { enum: LOG_LEVELS },
})
