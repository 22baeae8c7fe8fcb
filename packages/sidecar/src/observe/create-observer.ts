import { hostname } from 'node:os'
import type { Clock } from '@projected-token/core'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Source } from '../source.js'
import { createEventLog } from './event-log.js'
import type { EventStream } from './event-stream.js'
import { createHealthServer } from './health-server.js'
import { createLedger, type ProxyRecord } from './ledger.js'
import { createMetrics, type Metrics } from './metrics.js'
import { judgeReadiness } from './readiness.js'
import type { Report, TimedReport } from './report.js'
import { sourceStatus } from './source-status.js'

/** What the other parts of the sidecar report to. */
export interface Observer {
  proxyRequest(proxy: string, record: ProxyRecord): void
  sinkWritten(path: string, ok: boolean): void
}

/** Watches the sources, and shows them to probes, scrapers and people. */
export interface ObserverServers {
  /** `/healthz`, `/readyz`, `/metrics`, `/status`. Not listening yet. */
  createHealthServer(log: FastifyBaseLogger): Promise<FastifyInstance>
  /** The status page. Not listening yet. */
  createStatusServer(log: FastifyBaseLogger): Promise<FastifyInstance>
  /** From now on nothing is ready. */
  setStopping(): void
  /** Ends the streams and leaves the sources. The servers are the caller's to close. */
  close(): void
}

/** Options of {@link createObserver}. */
export interface ObserverOptions {
  clock: Clock
  /** Of the sidecar. */
  version: string
  /** Names under which the status page may be asked for, besides IP literals and `localhost`. @default none */
  allowedHosts?: readonly string[] | undefined
}

export function createObserver(
  sources: readonly Source[],
  { clock, version, allowedHosts = [] }: ObserverOptions,
): Observer & ObserverServers {
  const startedAtMs = clock.now()
  const startedMs = clock.monotonicNow()
  const ledger = createLedger(clock)
  const streams = new Set<EventStream>()
  const metrics = new Set<Metrics>()
  let stopping = false

  const changed = () => {
    for (const stream of streams) stream.changed()
  }
  const log = createEventLog(sources, {
    clock,
    onEvent(event) {
      for (const one of metrics) one.eventLogged(event)
      changed()
    },
  })
  const statuses = () => sources.map(sourceStatus)
  const report = (): Report => {
    const found = statuses()
    return {
      version,
      host: hostname(),
      startedAtMs,
      ready: judgeReadiness(found, stopping).ready,
      stopping,
      sources: found,
      proxies: ledger.proxies(),
      sinks: ledger.sinks(),
      events: log.recent(),
    }
  }
  const timedReport = (): TimedReport => ({
    nowMs: clock.now(),
    uptimeMs: Math.round(clock.monotonicNow() - startedMs),
    ...report(),
  })

  return {
    proxyRequest: ledger.proxyRequest,
    sinkWritten(path, ok) {
      ledger.sinkWritten(path, ok)
      changed()
    },
    async createHealthServer(logger) {
      const created = await createMetrics({
        version,
        ledger,
        now: () => clock.now(),
        sources: statuses,
        isStopping: () => stopping,
      })
      // What failed while it was made, or before: a pod that never gets a token has no other failure to count.
      for (const event of log.recent().toReversed()) created.eventLogged(event)
      metrics.add(created)
      return createHealthServer(logger, {
        metrics: created,
        readiness: () => judgeReadiness(statuses(), stopping),
        report: timedReport,
      })
    },
    async createStatusServer(logger) {
      // The page and the streams are for the few who want to see them.
      const [{ createStatusServer }, { createEventStream }] = await Promise.all([
        import('./status-server.js'),
        import('./event-stream.js'),
      ])
      const stream = createEventStream({ clock, render: () => JSON.stringify(report()) })
      streams.add(stream)
      return createStatusServer(logger, { stream, report: timedReport, allowedHosts })
    },
    setStopping() {
      stopping = true
      changed()
    },
    close() {
      log.close()
      for (const stream of streams) stream.close()
      for (const one of metrics) one.close()
      metrics.clear()
    },
  }
}
