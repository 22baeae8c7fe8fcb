import { DEFAULT_TOKEN_PATH } from '@projected-token/core'
import type { ListenAddress } from '../listen/listen-address.js'
import { parseListenAddress } from '../listen/parse-listen-address.js'
import { DEFAULTS } from './defaults.js'
import { parseDurationMs } from './duration.js'
import type {
  LogLevel,
  ProxyConfig,
  SidecarConfig,
  SinkAction,
  SinkConfig,
  SourceReference,
} from './sidecar-config.js'

interface Listener {
  listen?: string
  socketMode?: string
  socketGroup?: number
  allowedHosts?: string[]
}
interface Reference {
  token?: string
  vaultToken?: string
}
interface Proxy extends Listener, Reference {
  upstream: string
  header?: string
  scheme?: string
  clientHeader?: 'keep' | 'replace'
  caCert?: string
  connectTimeout?: string
  connectTimeoutMs?: number
  headersTimeout?: string
  headersTimeoutMs?: number
}
interface Action {
  command?: string[]
  timeout?: string
  timeoutMs?: number
  signal?: string
  pidFile?: string
}
interface Sink extends Reference {
  path: string
  mode?: string
  owner?: string
  format?: 'token' | 'json'
  onChange?: Action
}

/** A configuration that has passed all checks. */
export interface CheckedConfig {
  tokens?: {
    name: string
    path: string
    audience?: string | string[]
    issuer?: string
    subject?: string
    reloadInterval?: string
    reloadIntervalMs?: number
    watch?: boolean
  }[]
  vaultTokens?: {
    name: string
    jwt: string
    role: string
    address?: string
    method?: 'kubernetes' | 'jwt'
    mount?: string
    namespace?: string
    caCert?: string
    loginSpread?: string
    loginSpreadMs?: number
  }[]
  api?: Listener
  proxies?: Proxy[]
  sinks?: Sink[]
  health?: Listener
  status?: Listener
  shutdownTimeout?: string
  shutdownTimeoutMs?: number
  logLevel?: LogLevel
}

/** Fills in the defaults and gives values their types. */
export function buildConfig(checked: CheckedConfig): SidecarConfig {
  const tokens = checked.tokens ?? [{ name: DEFAULTS.tokenName, path: DEFAULT_TOKEN_PATH }]
  return {
    tokens: tokens.map((token) => ({
      name: token.name,
      path: token.path,
      audience: [token.audience ?? []].flat(),
      issuer: token.issuer,
      subject: token.subject,
      reloadIntervalMs: durationMs(token.reloadIntervalMs, token.reloadInterval, DEFAULTS.reloadIntervalMs),
      watch: token.watch ?? true,
    })),
    vaultTokens: (checked.vaultTokens ?? []).map(({ caCert, ...vaultToken }) => ({
      name: vaultToken.name,
      jwt: vaultToken.jwt,
      role: vaultToken.role,
      address: vaultToken.address,
      method: vaultToken.method ?? 'kubernetes',
      mount: vaultToken.mount,
      namespace: vaultToken.namespace,
      caFile: caCert,
      loginSpreadMs: durationMs(vaultToken.loginSpreadMs, vaultToken.loginSpread, undefined),
    })),
    api: { listen: listenAddress(checked.api, DEFAULTS.api) },
    proxies: (checked.proxies ?? []).flatMap(proxy),
    sinks: (checked.sinks ?? []).map(sink),
    health: { listen: listenAddress(checked.health, DEFAULTS.health) },
    status: {
      listen: listenAddress(checked.status, DEFAULTS.status),
      allowedHosts: checked.status?.allowedHosts ?? [],
    },
    shutdownTimeoutMs: durationMs(
      checked.shutdownTimeoutMs,
      checked.shutdownTimeout,
      DEFAULTS.shutdownTimeoutMs,
    ),
    logLevel: checked.logLevel ?? DEFAULTS.logLevel,
  }
}

function proxy(checked: Proxy): ProxyConfig[] {
  const listen = listenAddress(checked, 'off')
  if (!listen) return []
  const source = sourceOf(checked)
  const isVault = source.kind === 'vault'
  // Vault's own header takes the token alone; in `Authorization` Vault reads a bearer token too.
  const header = (checked.header ?? (isVault ? 'x-vault-token' : 'authorization')).toLowerCase()
  return [
    {
      listen,
      upstream: new URL(checked.upstream),
      source,
      header,
      scheme: checked.scheme ?? (isVault && header !== 'authorization' ? '' : 'Bearer'),
      clientHeader: checked.clientHeader ?? 'keep',
      caFile: checked.caCert,
      allowedHosts: checked.allowedHosts ?? [],
      connectTimeoutMs: durationMs(checked.connectTimeoutMs, checked.connectTimeout, undefined),
      headersTimeoutMs: durationMs(checked.headersTimeoutMs, checked.headersTimeout, undefined),
    },
  ]
}

function sink(checked: Sink): SinkConfig {
  const [uid, gid] = checked.owner?.split(':').map(Number) ?? []
  return {
    source: sourceOf(checked),
    path: checked.path,
    mode: modeOf(checked.mode) ?? DEFAULTS.sinkMode,
    uid,
    gid,
    format: checked.format ?? 'token',
    onChange: checked.onChange && actionOf(checked.onChange),
  }
}

function actionOf({ command, timeout, timeoutMs, signal, pidFile }: Action): SinkAction {
  if (command) return { command, timeoutMs: durationMs(timeoutMs, timeout, undefined) }
  return { signal: `SIG${signal}` as NodeJS.Signals, pidFile: pidFile ?? '' }
}

function sourceOf({ token, vaultToken }: Reference): SourceReference {
  return vaultToken === undefined
    ? { kind: 'projected', name: token ?? '' }
    : { kind: 'vault', name: vaultToken }
}

function listenAddress(listener: Listener | undefined, fallback: string): ListenAddress | undefined {
  const address = parseListenAddress(listener?.listen ?? fallback)
  if (address?.kind !== 'unix') return address
  const mode = modeOf(listener?.socketMode) ?? DEFAULTS.socketMode
  return { ...address, mode, ...(listener?.socketGroup === undefined ? {} : { gid: listener.socketGroup }) }
}

const modeOf = (text: string | undefined) => (text === undefined ? undefined : Number.parseInt(text, 8))

function durationMs<Fallback>(number: number | undefined, text: string | undefined, fallbackMs: Fallback) {
  return number ?? (text === undefined ? undefined : parseDurationMs(text)) ?? fallbackMs
}
