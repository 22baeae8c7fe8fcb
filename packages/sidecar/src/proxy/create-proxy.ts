import { systemClock } from '@projected-token/core'
import { type FastifyError, type FastifyInstance, fastify, LogController } from 'fastify'
import type { Source } from '../source.js'
import { WITHOUT_SCHEMAS } from '../without-schemas.js'
import { classifyFailure } from './classify-failure.js'
import { createGate } from './gate.js'
import { countUnanswered, IncomingRequest } from './incoming-request.js'
import { proxyAnswer } from './proxy-answer.js'
import type { ProxyOptions, ProxySpec } from './proxy-spec.js'
import { writeAnswer } from './raw-response.js'
import { registerForwarding } from './register-forwarding.js'
import { exchangeOf, recordOf, sendAnswer } from './replies.js'
import { codeOf, guardProvider } from './token-guard.js'
import { createUpstream } from './upstream.js'
import { createWebSocketProxy } from './web-socket-proxy.js'

/**
 * Makes a reverse proxy that sends the source's token along. It does not listen yet.
 *
 * `close()` waits for the responses under way and for web sockets, which are ended with 1001, then closes the
 * connections to the upstream. It waits without limit: whoever stops the process calls
 * `app.server.closeAllConnections()` when its time is over.
 *
 * @throws TypeError when the upstream is not an http(s) URL without query, fragment and credentials, or the header
 *   must not carry a token
 */
export async function createProxy(
  spec: ProxySpec,
  source: Source,
  { log, onRequest = () => {}, clock = systemClock }: ProxyOptions,
): Promise<FastifyInstance> {
  checkUpstream(spec.upstream)
  const upstream = createUpstream(spec, guardProvider(source.provider), clock)
  const gate = createGate(spec)
  const app = createServer(spec, log)
  const webSockets = createWebSocketProxy({ spec, gate, upstream, clock, log, onRequest })
  let stopping = false

  countUnanswered(app.server)
  app.server.on('upgrade', webSockets.handle)
  app.server.on('connect', (_request, socket) => {
    socket.on('error', () => {}) // Node has taken its own listener off
    writeAnswer(socket, proxyAnswer('ERR_PROXY_METHOD'))
  })
  app.server.on('listening', () => {
    gate.checksHosts = typeof app.server.address() !== 'string'
  })
  app.addHook('onRequest', (request, reply, done) => {
    // Not fastify's hook after responses: it knows nothing of clients that left.
    reply.raw.once('close', () => {
      if (!reply.raw.headersSent) exchangeOf(request).client?.abort()
      onRequest(recordOf(request, reply))
      // One that outlived the beginning of the end has an idle connection, for which nobody would look again.
      if (stopping) clock.setTimer(() => app.server.closeIdleConnections(), 0)
    })
    const refusal = gate.judge(request.raw)
    if (refusal === undefined) done()
    else sendAnswer(reply, refusal)
  })
  app.addHook('preClose', (done) => {
    stopping = true
    webSockets.stop()
    done()
  })
  app.addHook('onClose', () => upstream.close())
  await registerForwarding(app, { spec, upstream, isStopping: () => stopping })
  return app
}

function createServer({ name }: ProxySpec, log: ProxyOptions['log']) {
  const app = fastify({
    // Errors of undici may hold what the upstream sent, which may hold what it was sent.
    loggerInstance: log.child({ proxy: name }, { serializers: { err: withoutDetails } }),
    schemaController: WITHOUT_SCHEMAS,
    childLoggerFactory: (logger) => logger,
    logController: new LogController({ disableRequestLogging: true }),
    // What comes over kept connections meanwhile is answered, and is the last there.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    frameworkErrors: (_error, _request, reply) => sendAnswer(reply, 'ERR_PROXY_TARGET'),
    http: { IncomingMessage: IncomingRequest, keepAlive: true },
  })
  // Node leaves out what comes after the 2,000th field, a Host or Content-Length too; the size of all is bounded.
  app.server.maxHeadersCount = 0
  // Every path has its route, so that only a method can be without.
  app.setNotFoundHandler((_request, reply) => sendAnswer(reply, 'ERR_PROXY_METHOD'))
  app.setErrorHandler<FastifyError>((error, _request, reply) => {
    sendAnswer(reply, error.statusCode === 400 ? 'ERR_PROXY_TARGET' : classifyFailure(error))
  })
  return app
}

function withoutDetails(error: unknown): { type: string; code: string | undefined; message: string } {
  const { name, message } = error as Error
  return { type: name, code: codeOf(error), message }
}

function checkUpstream({ protocol, username, password, search, hash }: URL): void {
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new TypeError(`'upstream' must be an http: or https: URL, got ${protocol}`)
  }
  if (username !== '' || password !== '' || search !== '' || hash !== '') {
    throw new TypeError("'upstream' must be an origin with a path at most: no query, fragment or credentials")
  }
}
