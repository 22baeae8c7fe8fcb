import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { classifyFailure, mayResend } from './classify-failure.js'
import { createClientBody } from './client-body.js'
import { type Headers, requestHeaders, responseHeaders } from './forwarded-headers.js'
import { hasBody } from './gate.js'
import { FORWARDED_METHODS } from './incoming-request.js'
import { linger } from './linger.js'
import type { ProxySpec } from './proxy-spec.js'
import { isReplayedLength, readBody } from './replay-body.js'
import { exchangeOf, sendAnswer } from './replies.js'
import { EXCHANGE, type Marked, type Upstream } from './upstream.js'

interface Forwarding {
  readonly spec: ProxySpec
  readonly upstream: Upstream
  isStopping(): boolean
}

/** Hands requests to `@fastify/http-proxy`, without what it would do besides: see the comments. */
export async function registerForwarding(
  app: FastifyInstance,
  { spec, upstream, isStopping }: Forwarding,
): Promise<void> {
  const { default: httpProxy } = await import('@fastify/http-proxy')
  const policy = { header: spec.header.toLowerCase(), clientHeader: spec.clientHeader }

  // Fastify is not to look at bodies: it would read some into memory, and refuse those of a type it cannot parse.
  for (const method of FORWARDED_METHODS) {
    app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  }
  app.decorateRequest(EXCHANGE)

  await app.register(httpProxy, {
    upstream: spec.upstream.href,
    httpMethods: [...FORWARDED_METHODS],
    undici: upstream.forReplyFrom as never,
    handler(request, reply, destination, options) {
      const exchange = exchangeOf(request)
      exchange.client = new AbortController()
      const { raw } = request
      if (!hasBody(raw.headers)) return reply.from(destination, options)
      if (!isReplayedLength(raw.headers['content-length'])) {
        request.body = createClientBody(raw)
        return reply.from(destination, options)
      }
      request.body = raw
      readBody(raw, (body) => {
        exchange.body = body
        reply.from(destination, options)
      })
      return reply
    },
    // Its parsers: see above.
    proxyPayloads: false,
    // A redirect means what the upstream says.
    internalRewriteLocationHeader: false,
    disableRequestLogging: true,
    replyOptions: {
      rewriteRequestHeaders(request, headers) {
        const forwarded = requestHeaders(headers as Headers, request.headers.connection, policy)
        return Object.assign(forwarded, { [EXCHANGE]: exchangeOf(request as FastifyRequest) }) as never
      },
      rewriteHeaders(headers) {
        const forwarded = responseHeaders(headers as Headers)
        if (isStopping()) forwarded.connection = 'close'
        return forwarded as never
      },
      onResponse(_request, reply, response) {
        linger(reply as FastifyReply)
        const { statusCode, stream } = response as unknown as { statusCode: number; stream: Readable }
        if (statusCode !== 304) return void reply.send(stream)
        // Its Content-Length is that of another response (RFC 9110, section 8.6); undici waits for as much.
        stream.on('error', () => {}).resume()
        reply.send()
      },
      onError(reply, { error }) {
        sendAnswer(reply as FastifyReply, classifyFailure(error.cause ?? error))
      },
      // Unless told otherwise it repeats a GET after a 503 ten times, after as many ms as Retry-After has seconds.
      retryDelay({ err, req, attempt }) {
        const { method } = req as unknown as { method: string }
        if (!mayResend(method, hasBody(req.headers as never), err, attempt)) return null
        const exchange = (req.headers as Marked)[EXCHANGE]
        if (exchange !== undefined) exchange.attempts = 0
        return 1
      },
    },
  })
}
