import type { Clock } from '@projected-token/core'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { ProxyConfig } from './config/sidecar-config.js'
import { readSmallFile } from './files.js'
import { plainHost } from './listen/leads-to.js'
import type { ListenAddress } from './listen/listen-address.js'
import { formatListenAddress, isLoopback } from './listen/parse-listen-address.js'
import type { Observer } from './observe/create-observer.js'
import type { Sources } from './sources/create-sources.js'

/** A bundle of all public authorities has a quarter of it. */
const MAX_CA_BYTES = 1_048_576

/** A proxy that does not listen yet. */
export interface PreparedProxy {
  readonly name: string
  readonly address: ListenAddress
  readonly app: FastifyInstance
}

/**
 * Makes the proxies; their modules are loaded only when there are any.
 *
 * @throws the operating system's error for a file of authorities that cannot be read
 */
export async function createProxies(
  configs: readonly ProxyConfig[],
  sources: Sources,
  { clock, log, observer }: { clock: Clock; log: FastifyBaseLogger; observer: Observer },
): Promise<PreparedProxy[]> {
  if (configs.length === 0) return []
  const { createProxy } = await import('./proxy/create-proxy.js')
  return Promise.all(
    configs.map(async ({ listen, source, caFile, ...config }, index) => {
      const name = formatListenAddress(listen)
      const ca = caFile === undefined ? undefined : await readAuthorities(caFile)
      if (isPlaintext(config.upstream)) {
        log.warn(
          { proxy: name, upstream: config.upstream.origin },
          'the token can be read on the way: no TLS',
        )
      }
      const app = await createProxy({ ...config, name, ca }, sources.get(source), {
        clock,
        log,
        onRequest: (record) => observer.proxyRequest(name, record),
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

async function readAuthorities(path: string): Promise<Buffer> {
  return readSmallFile(path, MAX_CA_BYTES).catch((error: Error) => {
    throw new Error(`The authorities in '${path}' cannot be read: ${error.message}`, { cause: error })
  })
}
