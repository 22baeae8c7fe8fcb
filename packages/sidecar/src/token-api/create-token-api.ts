import type { Clock, Token } from '@projected-token/core'
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  fastify,
  LogController,
} from 'fastify'
import type { ListenAddress } from '../listen/listen-address.js'
import type { Source } from '../source.js'
import type { Sources } from '../sources/create-sources.js'
import { WITHOUT_SCHEMAS } from '../without-schemas.js'
import { ANSWERS, type Answer, COMMON_HEADERS, unavailable } from './answers.js'
import { judgeRequest } from './judge-request.js'
import { tokenBody, wantsText } from './token-body.js'

/** A request is a line and a few headers, from the same pod: who takes longer holds a connection for nothing. */
const REQUEST_TIMEOUT_MS = 5_000
/** How often that is looked at. Node's 30 s would be what a connection lives in fact. */
const CHECK_INTERVAL_MS = 2_000
const KEEP_ALIVE_TIMEOUT_MS = 60_000
const MAX_HEADER_BYTES = 8_192
/** The programs of one pod. */
const MAX_CONNECTIONS = 512

/** `GET /v1/token[/NAME]` and `GET /v1/vault/token[/NAME]`: gives tokens to programs of the pod. Not listening yet. */
export function createTokenApi(
  sources: Pick<Sources, 'find'>,
  address: ListenAddress,
  options: { log: FastifyBaseLogger; clock: Clock },
): FastifyInstance {
  const { log, clock } = options
  const app = fastify({
    loggerInstance: log,
    schemaController: WITHOUT_SCHEMAS,
    // Programs ask again and again: only what is refused or fails is news.
    logController: new LogController({ disableRequestLogging: true }),
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    },
    bodyLimit: 1,
    exposeHeadRoutes: false,
    // A longer name is as unknown as any other: no answer of its own.
    routerOptions: { maxParamLength: MAX_HEADER_BYTES },
    frameworkErrors: (_error, _request, reply) => void send(reply, ANSWERS.badRequest),
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.write(REFUSED_CONNECTION)
      socket.destroy()
    },
  })
  app.server.maxConnections = MAX_CONNECTIONS
  // Node drops what comes after a number of headers: what a request is refused for must not be among it.
  app.server.maxHeadersCount = 0

  app.addHook('onRequest', async (request, reply) => {
    const refusal = judgeRequest({
      method: request.method,
      target: request.raw.url ?? '',
      headers: request.headers,
      rawHeaders: request.raw.rawHeaders,
      port: address.kind === 'tcp' ? request.socket.localPort : undefined,
      host: address.kind === 'tcp' ? address.host : undefined,
    })
    if (!refusal) return
    log.warn({ listener: 'api', refusal }, 'request refused')
    return send(reply, ANSWERS[refusal])
  })
  app.setNotFoundHandler((_request, reply) => send(reply, ANSWERS.notFound))
  app.setErrorHandler((error, _request, reply) => {
    const { statusCode = 500 } = error as { statusCode?: number }
    if (statusCode >= 500) log.error({ err: error, listener: 'api' }, 'request failed')
    return send(reply, statusCode >= 500 ? ANSWERS.internal : ANSWERS.badRequest)
  })

  const serve = (path: string, kind: Source['kind']) => {
    app.get<{ Params: { name?: string } }>(path, async (request, reply) => {
      const source = sources.find(kind, request.params.name)
      if (!source) return send(reply, ANSWERS.notFound)
      const token = await obtain(source)
      if ('status' in token) return send(reply, token)
      const isText = wantsText(request.headers.accept)
      return reply
        .headers(COMMON_HEADERS)
        .type(isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8')
        .send(isText ? token.token : tokenBody(source, token))
    })
  }
  serve('/v1/token', 'projected')
  serve('/v1/token/:name', 'projected')
  serve('/v1/vault/token', 'vault')
  serve('/v1/vault/token/:name', 'vault')

  /** Right after the start it waits for the first token, as `getToken()` does. */
  async function obtain({ provider }: Source): Promise<Token | Answer> {
    try {
      const token = await provider.getToken()
      // The provider promises it; a token that ends while its answer is made is checked here.
      if ((token.expiresAtMs ?? Number.POSITIVE_INFINITY) > clock.now()) return token
      return unavailable('ERR_TOKEN_EXPIRED')
    } catch (error) {
      const { code } = error as { code?: unknown }
      if (typeof code === 'string' && /^ERR_[A-Z_]{1,60}$/.test(code)) return unavailable(code)
      throw error
    }
  }

  return app
}

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  return reply
    .code(status)
    .headers({ ...COMMON_HEADERS, ...headers })
    .type('application/json; charset=utf-8')
    .send(body)
}

/** For what is no HTTP: there is no request to answer by the rules above. */
const REFUSED_CONNECTION = [
  'HTTP/1.1 400 Bad Request',
  'Content-Type: application/json; charset=utf-8',
  ...Object.entries(COMMON_HEADERS).map(([name, value]) => `${name}: ${value}`),
  'Connection: close',
  `Content-Length: ${Buffer.byteLength(ANSWERS.badRequest.body)}`,
  '',
  ANSWERS.badRequest.body,
].join('\r\n')
