import { type Clock, systemClock } from '@projected-token/core'
import type { FastifyInstance } from 'fastify'
import { readAuthorities } from './authorities.js'
import type { SidecarConfig } from './config/sidecar-config.js'
import { trackConnections } from './connections.js'
import { drain, isDoneBefore, type Listening } from './drain.js'
import { packageVersion } from './files.js'
import { listen } from './listen/listen.js'
import type { ListenAddress } from './listen/listen-address.js'
import { createLog, type Log } from './log/create-log.js'
import { logSourceEvents } from './log/log-source-events.js'
import { createObserver } from './observe/create-observer.js'
import { createProxies } from './proxies.js'
import { createSources } from './sources/create-sources.js'
import { startSinks } from './start-sinks.js'

/** Options of {@link startSidecar}. */
export interface SidecarOptions {
  /** @default systemClock */
  clock?: Clock | undefined
  /** @default one on standard output, of the configuration's level */
  log?: Log | undefined
}

/** Where it listens, as `HOST:PORT` or `unix:///path`; `undefined`: nowhere. */
export interface SidecarAddresses {
  /** The token endpoint. */
  readonly api: string | undefined
  /** In the order of the configuration. */
  readonly proxies: readonly string[]
  /** Probes and metrics. */
  readonly health: string | undefined
  /** The page for people. */
  readonly status: string | undefined
}

/** A running sidecar. */
export interface Sidecar {
  /** Where it listens. */
  readonly addresses: SidecarAddresses
  /**
   * Stops: not ready any more, requests under way are finished within `shutdownTimeoutMs`, then everything is closed.
   *
   * @returns whether all of it ended in time; `false`: connections were cut, or something closes still. A second call
   *   gives the same.
   */
  close(): Promise<{ readonly isDrained: boolean }>
}

/**
 * Starts everything that the configuration names. Tokens that cannot be read yet are no failure: their state says so.
 *
 * @throws ConfigError (`ERR_CONFIG`) for files of a proxy's authorities that cannot be read; ListenError
 *   (`ERR_LISTEN`) when a listener cannot start; then nothing is left running
 */
export async function startSidecar(config: SidecarConfig, options: SidecarOptions = {}): Promise<Sidecar> {
  const { clock = systemClock, log = createLog({ level: config.logLevel }) } = options
  const { logger } = log
  // Before anything starts: what cannot be used is then all there is to tell.
  const authorities = await readAuthorities(config.proxies)
  const apps: Listening[] = []
  /** They answer until all others have stopped: that it is not ready is what a probe should see meanwhile. */
  const observing: Listening[] = []
  const closers: (() => unknown)[] = []
  let closing: Promise<{ isDrained: boolean }> | undefined

  async function start(app: FastifyInstance, name: string, address: ListenAddress, list = apps) {
    list.push({ app, connections: trackConnections(app.server) })
    return listen(app, name, address)
  }

  async function stop(timeoutMs: number): Promise<{ isDrained: boolean }> {
    const controller = new AbortController()
    const cancel = clock.setTimer(() => controller.abort(), timeoutMs, { keepAlive: true })
    const isOver = controller.signal
    const isDrained = await drain(apps, { clock, isOver })
    // Streams of the status page end by this, not by themselves.
    const isClosed = await isDoneBefore(closeAll(), isOver)
    const isObserved = await drain(observing, { clock, isOver })
    cancel()
    return { isDrained: isDrained && isClosed && isObserved }
  }

  async function closeAll(): Promise<void> {
    for (const close of closers.toReversed()) await close()
  }

  try {
    const sources = await createSources(config, clock)
    closers.push(sources.close)
    for (const source of sources.all) {
      log.hide(() => source.provider.current?.token)
      logSourceEvents(source, logger)
    }
    const observer = createObserver(sources.all, {
      clock,
      version: packageVersion(),
      allowedHosts: config.status.allowedHosts,
    })
    closers.push(observer.close)
    const { api, health, status } = config
    closers.push(await startSinks(config.sinks, sources, { clock, log: logger, observer }))
    const addresses = {
      api: api.listen && (await startApi(api.listen)),
      proxies: await startProxies(),
      health:
        health.listen &&
        (await start(await observer.createHealthServer(logger), 'health', health.listen, observing)),
      status:
        status.listen &&
        (await start(await observer.createStatusServer(logger), 'status', status.listen, observing)),
    }
    logger.info({ addresses }, 'started')

    async function startApi(address: ListenAddress): Promise<string> {
      const { createTokenApi } = await import('./token-api/create-token-api.js')
      return start(createTokenApi(sources, address, { log: logger, clock }), 'api', address)
    }

    async function startProxies(): Promise<string[]> {
      const proxies = await createProxies(config.proxies, authorities, sources, {
        clock,
        log: logger,
        observer,
      })
      const listening: string[] = []
      for (const { app, name, address } of proxies) listening.push(await start(app, name, address))
      return listening
    }

    return {
      addresses,
      close() {
        observer.setStopping()
        closing ??= stop(config.shutdownTimeoutMs)
        return closing
      },
    }
  } catch (error) {
    await stop(config.shutdownTimeoutMs)
    throw error
  }
}
