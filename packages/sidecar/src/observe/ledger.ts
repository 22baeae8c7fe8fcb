import type { Clock } from '@projected-token/core'

/** What a proxy says of one request. */
export interface ProxyRecord {
  readonly status: number
  readonly retried: boolean
  readonly durationMs: number
}

/** Counts of one proxy. */
export interface ProxyCounts {
  readonly name: string
  readonly byStatus: Readonly<Record<string, number>>
  readonly retries: number
}

/** Counts of one sink. */
export interface SinkCounts {
  readonly path: string
  readonly written: number
  readonly failed: number
  readonly lastWrittenAtMs: number | undefined
}

/** Counts what the other parts of the sidecar report. Memory is bounded by what the configuration names. */
export interface Ledger {
  proxyRequest(proxy: string, record: ProxyRecord): void
  sinkWritten(path: string, ok: boolean): void
  proxies(): readonly ProxyCounts[]
  sinks(): readonly SinkCounts[]
  /** Calls it for each later request. @returns a function that ends it */
  onProxyRequest(listener: (proxy: string, record: ProxyRecord) => void): () => void
}

export function createLedger(clock: Clock): Ledger {
  const proxies = new Map<string, { byStatus: Record<string, number>; retries: number }>()
  const sinks = new Map<string, { written: number; failed: number; lastWrittenAtMs: number | undefined }>()

  const listeners = new Set<(proxy: string, record: ProxyRecord) => void>()

  return {
    onProxyRequest(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    proxyRequest(name, record) {
      let counts = proxies.get(name)
      if (!counts) {
        counts = { byStatus: {}, retries: 0 }
        proxies.set(name, counts)
      }
      const label = statusLabel(record.status)
      counts.byStatus[label] = (counts.byStatus[label] ?? 0) + 1
      if (record.retried) counts.retries++
      for (const listener of listeners) listener(name, record)
    },
    sinkWritten(path, ok) {
      let counts = sinks.get(path)
      if (!counts) {
        counts = { written: 0, failed: 0, lastWrittenAtMs: undefined }
        sinks.set(path, counts)
      }
      if (!ok) {
        counts.failed++
        return
      }
      counts.written++
      counts.lastWrittenAtMs = clock.now()
    },
    proxies: () =>
      Array.from(proxies, ([name, { byStatus, retries }]) => ({ name, byStatus: { ...byStatus }, retries })),
    sinks: () => Array.from(sinks, ([path, counts]) => ({ path, ...counts })),
  }
}

/** An upstream may answer with any number: those that are no HTTP status share one label. */
function statusLabel(status: number): string {
  return Number.isInteger(status) && status >= 100 && status <= 599 ? String(status) : 'other'
}
