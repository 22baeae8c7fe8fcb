import type { Clock } from '@projected-token/core'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { ProxyConfig } from './config/sidecar-config.js'
import { plainHost } from './listen/leads-to.js'
import { listeningAt } from './listen/listen.js'
import type { ListenAddress } from './listen/listen-address.js'
import { formatListenAddress, isLoopback } from './listen/parse-listen-address.js'
import type { Observer } from './observe/create-observer.js'
import type { Sources } from './sources/create-sources.js'

/** A proxy that does not listen yet. */
export interface PreparedProxy {
  readonly name: string
  readonly address: ListenAddress
  readonly app: FastifyInstance
}

/**
 * Makes the proxies; their modules are loaded only when there are any.
 *
 * @param authorities those of each proxy
 */
export async function createProxies(
  configs: readonly ProxyConfig[],
  authorities: readonly (Buffer | undefined)[],
  sources: Sources,
  { clock, log, observer }: { clock: Clock; log: FastifyBaseLogger; observer: Observer },
): Promise<PreparedProxy[]> {
  if (configs.length === 0) return []
  const { createProxy } = await import('./proxy/create-proxy.js')
  return Promise.all(
    configs.map(async ({ listen, source, caFile: _caFile, ...config }, index) => {
      const name = formatListenAddress(listen)
      if (isPlaintext(config.upstream)) {
        log.warn(
          { proxy: name, upstream: config.upstream.origin },
          'the token can be read on the way: no TLS',
        )
      }
      let label = name
      const app = await createProxy({ ...config, name, ca: authorities[index] }, sources.get(source), {
        clock,
        log,
        onRequest: (record) => observer.proxyRequest(label, record),
      })
      // Several may have left their port to the system: only then have they a name of their own.
      app.server.once('listening', () => {
        if (listen.kind === 'tcp') label = listeningAt(app, listen.host)
      })
      return { name: `proxies[${index}]`, address: listen, app }
    }),
  )
}

/** Whether somebody on the way could read what is sent. Loopback has no way. */
function isPlaintext({ protocol, hostname, port }: URL): boolean {
  const host = plainHost(hostname)
  return protocol === 'http:' && !isLoopback({ kind: 'tcp', host, port: Number(port) })
}
