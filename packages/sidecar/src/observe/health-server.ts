import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { createHttpApp } from './http-app.js'
import type { Metrics } from './metrics.js'
import type { Readiness } from './readiness.js'
import type { TimedReport } from './report.js'

/** What the health server tells. */
export interface HealthServerOptions {
  metrics: Metrics
  readiness(): Readiness
  report(): TimedReport
}

/** For the kubelet's probes and for Prometheus: any `Host`, as they come from outside the pod. Not listening yet. */
export async function createHealthServer(
  log: FastifyBaseLogger,
  { metrics, readiness, report }: HealthServerOptions,
): Promise<FastifyInstance> {
  const app = await createHttpApp(log)
  app.get('/healthz', (_request, reply) => reply.type('text/plain; charset=utf-8').send('ok\n'))
  app.get('/readyz', (_request, reply) => {
    const found = readiness()
    return reply.code(found.ready ? 200 : 503).send(found)
  })
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.render()))
  app.get('/status', (_request, reply) => reply.send(report()))
  return app
}
