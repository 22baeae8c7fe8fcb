export { parseConfig } from './config/parse-config.js'
export { ConfigError, type ConfigProblem } from './config/problem.js'
export type {
  LogLevel,
  ProxyConfig,
  SidecarConfig,
  SinkAction,
  SinkConfig,
  SourceReference,
  TokenConfig,
  VaultTokenConfig,
} from './config/sidecar-config.js'
export type { ListenAddress } from './listen/listen-address.js'
export { ListenError } from './listen/listen-error.js'
export { createLog, type Log, type LogOptions } from './log/create-log.js'
export { type Sidecar, type SidecarAddresses, type SidecarOptions, startSidecar } from './sidecar.js'
