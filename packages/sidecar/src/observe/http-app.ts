import type { FastifyBaseLogger, FastifyInstance, FastifyReply } from 'fastify'
import { WITHOUT_SCHEMAS } from '../without-schemas.js'

/** A kubelet, a scraper, some people: who holds more open than that would take the descriptors that reads need. */
const MAX_CONNECTIONS = 256
const REQUEST_TIMEOUT_MS = 10_000
/** How often that is looked at. */
const CHECK_INTERVAL_MS = 2_000
const IDLE_TIMEOUT_MS = 15_000

/** On every answer, whatever it is. */
const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

/**
 * A server that answers GET and HEAD, and whose errors are constant: nothing that a client sent comes back to it.
 */
export async function createHttpApp(log: FastifyBaseLogger): Promise<FastifyInstance> {
  const { fastify, LogController } = await import('fastify')
  const app = fastify({
    loggerInstance: log,
    schemaController: WITHOUT_SCHEMAS,
    // Probes and scrapes are not news.
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: CHECK_INTERVAL_MS },
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    frameworkErrors: (_error, _request, reply) => {
      void (reply as FastifyReply).headers(HEADERS).code(400).send({ error: 'bad request' })
    },
  })
  app.server.maxConnections = MAX_CONNECTIONS
  // Node drops what comes after a number of headers, which a rule may be about.
  app.server.maxHeadersCount = 0
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(HEADERS)
    if (request.method === 'GET' || request.method === 'HEAD') done()
    // Before fastify looks at a body or its type, which it calls an error.
    else reply.code(405).header('allow', 'GET, HEAD').send({ error: 'method not allowed' })
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not found' }))
  app.setErrorHandler((error, _request, reply) => {
    log.error({ err: error }, 'An answer failed')
    return reply.code(500).send({ error: 'internal error' })
  })
  return app
}
