import type { AddressInfo } from 'node:net'
import { systemClock } from '@projected-token/core'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { createObserver, type ObserverOptions } from '../../src/observe/create-observer.js'
import type { Source } from '../../src/source.js'

export const SILENT = pino({ level: 'silent' }) as FastifyBaseLogger

/** An observer with both of its servers on free ports of the loopback. */
export interface ObserveScene {
  readonly observer: ReturnType<typeof createObserver>
  readonly healthUrl: string
  readonly statusUrl: string
  readonly health: FastifyInstance
  readonly status: FastifyInstance
  close(): Promise<void>
}

export async function observe(
  sources: readonly Source[],
  options: Partial<ObserverOptions> & { statusPort?: number } = {},
): Promise<ObserveScene> {
  const { statusPort = 0, ...rest } = options
  const observer = createObserver(sources, { clock: systemClock, version: '1.2.3', ...rest })
  const health = await observer.createHealthServer(SILENT)
  const status = await observer.createStatusServer(SILENT)
  await health.listen({ host: '127.0.0.1', port: 0 })
  await status.listen({ host: '127.0.0.1', port: statusPort })
  const urlOf = (app: FastifyInstance) => `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return {
    observer,
    health,
    status,
    healthUrl: urlOf(health),
    statusUrl: urlOf(status),
    async close() {
      await Promise.all([health.close(), status.close()])
      observer.close()
    },
  }
}
