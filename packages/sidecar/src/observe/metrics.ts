import type { Counter, CounterConfiguration, Gauge, GaugeConfiguration } from 'prom-client'
import type { LoggedEvent } from './event-log.js'
import type { Ledger } from './ledger.js'
import { failureCounts, SOURCE_METRICS, STATE_METRICS } from './metric-definitions.js'
import type { SourceStatus } from './source-status.js'

/** What Prometheus scrapes. */
export interface Metrics {
  readonly contentType: string
  render(): Promise<string>
  eventLogged(event: LoggedEvent): void
  close(): void
}

/** What the metrics are made of. */
export interface MetricsOptions {
  version: string
  ledger: Ledger
  now(): number
  sources(): readonly SourceStatus[]
  isStopping(): boolean
}

/** `iat` has whole seconds, the kubelet looks every 60 to 90 s, and 5 min are the watcher's cadence. */
const DETECTION_BUCKETS = [1, 2, 3, 5, 10, 30, 60, 90, 120, 300, 600]
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Loads prom-client, which a sidecar without a health listener never needs. */
export async function createMetrics(options: MetricsOptions): Promise<Metrics> {
  const prometheus = await import('prom-client')
  const { ledger, now, isStopping } = options
  // A registry of its own: the global one belongs to the program around.
  const registry = new prometheus.Registry()
  const registers = [registry]
  // prom-client's own 10 ms would wake a process that has nothing to do a hundred times a second.
  prometheus.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 200 })
  let sources: readonly SourceStatus[] = []

  const gauge = (configuration: Omit<GaugeConfiguration<string>, 'collect'>, fill: (to: Gauge) => void) =>
    new prometheus.Gauge({
      ...configuration,
      registers,
      collect() {
        this.reset()
        fill(this)
      },
    })
  const counter = (
    configuration: Omit<CounterConfiguration<string>, 'collect'>,
    fill: (to: Counter) => void,
  ) =>
    new prometheus.Counter({
      ...configuration,
      registers,
      collect() {
        // The count is kept where it happens; prom-client has no counter that takes it over.
        this.reset()
        fill(this)
      },
    })
  const labelNames = ['name', 'kind']

  for (const { type, name, help, value } of SOURCE_METRICS) {
    const fill = (set: (labels: Record<string, string>, value: number) => void) => {
      for (const source of sources) {
        const found = value(source, now())
        if (found !== undefined) set({ name: source.name, kind: source.kind }, found)
      }
    }
    if (type === 'gauge')
      gauge({ name, help, labelNames }, (to) => fill((labels, found) => to.set(labels, found)))
    else counter({ name, help, labelNames }, (to) => fill((labels, found) => to.inc(labels, found)))
  }
  for (const { name, help, label, values, holds } of STATE_METRICS) {
    gauge({ name, help, labelNames: [...labelNames, label] }, (to) => {
      for (const source of sources) {
        const held = holds(source)
        for (const value of values(source.kind)) {
          to.set({ name: source.name, kind: source.kind, [label]: value }, held.includes(value) ? 1 : 0)
        }
      }
    })
  }
  counter(
    {
      name: 'projected_token_failures_total',
      help: 'Reads of the token file that failed or found a token that was refused, by the code of the error; of Vault, logins and renewals.',
      labelNames: [...labelNames, 'code'],
    },
    (to) => {
      for (const source of sources) {
        for (const [code, count] of failureCounts(source)) {
          to.inc({ name: source.name, kind: source.kind, code }, count)
        }
      }
    },
  )

  gauge(
    { name: 'projected_token_sidecar_info', help: 'Always 1; its version.', labelNames: ['version'] },
    (to) => to.set({ version: options.version }, 1),
  )
  gauge({ name: 'projected_token_sidecar_stopping', help: '1 while the sidecar stops, else 0.' }, (to) =>
    to.set(isStopping() ? 1 : 0),
  )
  counter(
    {
      name: 'projected_token_proxy_requests_total',
      help: 'Requests that a proxy answered, by HTTP status.',
      labelNames: ['proxy', 'status'],
    },
    (to) => {
      for (const { name, byStatus } of ledger.proxies()) {
        for (const [status, count] of Object.entries(byStatus)) to.inc({ proxy: name, status }, count)
      }
    },
  )
  counter(
    {
      name: 'projected_token_proxy_retries_total',
      help: 'Requests that a proxy sent again with another token after a 401.',
      labelNames: ['proxy'],
    },
    (to) => {
      for (const { name, retries } of ledger.proxies()) to.inc({ proxy: name }, retries)
    },
  )
  counter(
    {
      name: 'projected_token_sink_writes_total',
      help: 'Writes of a token into a file, by result.',
      labelNames: ['path', 'result'],
    },
    (to) => {
      for (const { path, written, failed } of ledger.sinks()) {
        to.inc({ path, result: 'success' }, written)
        to.inc({ path, result: 'failure' }, failed)
      }
    },
  )
  gauge(
    {
      name: 'projected_token_sink_last_write_timestamp_seconds',
      help: 'Unix time of the last successful write.',
      labelNames: ['path'],
    },
    (to) => {
      for (const { path, lastWrittenAtMs } of ledger.sinks()) {
        if (lastWrittenAtMs !== undefined) to.set({ path }, lastWrittenAtMs / 1_000)
      }
    },
  )
  const failures = new prometheus.Counter({
    name: 'projected_token_failure_episodes_total',
    help: 'Rows of failures that began, by the code of the first one. All of them: projected_token_failures_total; in a row: projected_token_failures_in_a_row.',
    labelNames: [...labelNames, 'code'],
    registers,
  })
  const detection = new prometheus.Histogram({
    name: 'projected_token_detection_latency_seconds',
    help: "Seconds from a replacing token's iat to its loading here. An upper bound of the time from the kubelet's write: iat is cut to whole seconds, comes from the API server's clock, and precedes the write.",
    labelNames,
    buckets: DETECTION_BUCKETS,
    registers,
  })
  const durations = new prometheus.Histogram({
    name: 'projected_token_proxy_request_duration_seconds',
    help: 'Time from a request to the end of its answer, a retry included.',
    labelNames: ['proxy'],
    buckets: DURATION_BUCKETS,
    registers,
  })
  const stopObserving = ledger.onProxyRequest((proxy, { durationMs }) =>
    durations.observe({ proxy }, durationMs / 1_000),
  )

  return {
    contentType: registry.contentType,
    render() {
      sources = options.sources()
      return registry.metrics()
    },
    eventLogged({ source: name, kind, type, code }) {
      if (type === 'failed' && code !== undefined) failures.inc({ name, kind, code })
      if (type !== 'rotated') return
      const status = options.sources().find((source) => source.name === name)?.status
      const token = status?.token
      if (!token || !('loadedAtMs' in token) || token.issuedAtMs === undefined) return
      detection.observe({ name, kind }, Math.max(0, token.loadedAtMs - token.issuedAtMs) / 1_000)
    },
    close() {
      stopObserving()
      registry.clear()
    },
  }
}
