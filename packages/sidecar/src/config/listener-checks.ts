import { leadsTo } from '../listen/leads-to.js'
import type { ListenAddress } from '../listen/listen-address.js'
import { collides, isLoopback, parseListenAddress } from '../listen/parse-listen-address.js'
import { DEFAULTS } from './defaults.js'
import { describeValue, formatPath } from './problem.js'
import { type ConfigPath, type Item, type RawConfig, type Report, valueAt } from './raw-config.js'

/** Where something listens. */
export interface ListenerItem {
  readonly address: ListenAddress
  /** Of the address in the configuration. */
  readonly path: ConfigPath
  /** Of a proxy. */
  readonly upstream?: unknown
}

/** Checks where everything listens. @returns the addresses that can be read */
export function checkListeners(raw: RawConfig, proxies: readonly Item[], report: Report): ListenerItem[] {
  const listeners: ListenerItem[] = []
  const check = (
    path: ConfigPath,
    fallback: string,
    rule: 'loopback' | 'any',
    more: { remedy?: string; upstream?: unknown } = {},
  ) => {
    const text = valueAt(raw.value, path) ?? fallback
    const address = typeof text === 'string' ? parseListenAddress(text) : undefined
    if (!address) return
    if (rule === 'loopback' && !isLoopback(address)) {
      report(
        path,
        `${describeValue(text)}, which others can reach`,
        `an address of loopback or a unix socket${more.remedy ?? ''}`,
      )
    }
    const other = listeners.find((each) => collides(each.address, address))
    if (other) report(path, `the address of ${formatPath(other.path)}`, 'an address of its own')
    listeners.push({ address, path, upstream: more.upstream })
  }
  check(['health', 'listen'], DEFAULTS.health, 'any')
  check(['api', 'listen'], DEFAULTS.api, 'loopback')
  check(['status', 'listen'], DEFAULTS.status, 'any')
  for (const { value, path } of proxies) {
    const isAllowed = valueAt(value, ['allowNonLoopback']) === true
    check([...path, 'listen'], '', isAllowed ? 'any' : 'loopback', {
      remedy: '; or allowNonLoopback: true',
      upstream: valueAt(value, ['upstream']),
    })
  }
  return listeners
}

/** A proxy that sends to itself, perhaps by way of others, would make of one request as many as there are descriptors. */
export function checkLoops(listeners: readonly ListenerItem[], report: Report): void {
  const next = ({ upstream }: ListenerItem): ListenerItem | undefined => {
    if (typeof upstream !== 'string' || !URL.canParse(upstream)) return undefined
    const url = new URL(upstream)
    return listeners.find(({ address }) => leadsTo(url, address))
  }
  for (const listener of listeners) {
    let reached = next(listener)
    // Whoever is not back after as many steps as there are listeners is in a loop of others.
    for (let step = 1; reached && reached !== listener && step < listeners.length; step++) {
      reached = next(reached)
    }
    if (reached !== listener) continue
    report(
      [...listener.path.slice(0, -1), 'upstream'],
      `an address that leads back to ${formatPath(listener.path)}`,
      'another server',
    )
  }
}
