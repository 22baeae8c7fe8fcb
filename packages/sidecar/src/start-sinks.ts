import type { Clock } from '@projected-token/core'
import type { FastifyBaseLogger } from 'fastify'
import type { SinkConfig } from './config/sidecar-config.js'
import type { Observer } from './observe/create-observer.js'
import type { Sources } from './sources/create-sources.js'

/**
 * Starts the sinks, whose modules are loaded only when there are any.
 *
 * @returns what ends them
 * @throws TypeError or RangeError for what no sink can be made of; then none is left running
 */
export async function startSinks(
  configs: readonly SinkConfig[],
  sources: Sources,
  { clock, log, observer }: { clock: Clock; log: FastifyBaseLogger; observer: Observer },
): Promise<() => Promise<void>> {
  if (configs.length === 0) return async () => {}
  const { createSinks } = await import('./sinks/create-sinks.js')
  const sinks = createSinks(configs, sources.all, { clock, log, onResult: observer.sinkWritten })
  // Not awaited: a disk that hangs must not keep the other ways to a token from starting.
  const started = sinks
    .start()
    .catch((error: unknown) => log.error({ err: error }, 'The sinks could not be brought up to date'))
  return async () => {
    await sinks.close()
    await started
  }
}
