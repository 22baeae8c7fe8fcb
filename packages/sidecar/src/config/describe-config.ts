import type { ListenAddress } from '../listen/listen-address.js'
import { formatListenAddress } from '../listen/parse-listen-address.js'
import type { SidecarConfig, SourceReference } from './sidecar-config.js'

/** What would run, for people: one line each. */
export function describeConfig(config: SidecarConfig): string {
  return [
    ...config.tokens.map(
      ({ name, path, audience }) =>
        `token ${name}: ${path}, ${audience.length === 0 ? 'any audience' : `audience ${audience.join(' or ')}`}`,
    ),
    ...config.vaultTokens.map(
      ({ name, role, method, jwt, address }) =>
        `vault token ${name}: role ${role} by ${method} with ${jwt} at ${address ?? 'VAULT_ADDR'}`,
    ),
    `api: ${describeListen(config.api.listen)}`,
    ...config.proxies.map(
      ({ listen, upstream, source, header, scheme }) =>
        `proxy: ${formatListenAddress(listen)} to ${upstream.href}, ${header}: ${scheme === '' ? '' : `${scheme} `}(${describeSource(source)})`,
    ),
    ...config.sinks.map(
      ({ path, source, format, mode }) =>
        `sink: ${path}, mode ${mode.toString(8).padStart(4, '0')}, ${format} of ${describeSource(source)}`,
    ),
    `health: ${describeListen(config.health.listen)}`,
    `status: ${describeListen(config.status.listen)}`,
    `shutdown: within ${config.shutdownTimeoutMs / 1_000} s`,
    `log: ${config.logLevel}`,
  ].join('\n')
}

/** The same, for programs: plain JSON. */
export function configToJson(config: SidecarConfig): Record<string, unknown> {
  const listener = (listen: ListenAddress | undefined) => (listen ? formatListenAddress(listen) : null)
  return {
    ...config,
    api: { listen: listener(config.api.listen) },
    proxies: config.proxies.map((proxy) => ({
      ...proxy,
      listen: formatListenAddress(proxy.listen),
      upstream: proxy.upstream.href,
    })),
    health: { listen: listener(config.health.listen) },
    status: { ...config.status, listen: listener(config.status.listen) },
  }
}

const describeListen = (address: ListenAddress | undefined) =>
  address ? formatListenAddress(address) : 'off'

const describeSource = ({ kind, name }: SourceReference) =>
  `${kind === 'vault' ? 'vault token' : 'token'} ${name}`
