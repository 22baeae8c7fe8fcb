import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { linger } from './linger.js'
import { answerBody, answerHeaders, type ProxyAnswerCode, proxyAnswer } from './proxy-answer.js'
import type { ProxyRecord } from './proxy-spec.js'
import { EXCHANGE, type Exchange } from './upstream.js'

/** nginx's number for a client that left before there was an answer. */
const CLIENT_LEFT = 499

/** A request with what belongs to it; a decorator of fastify's. */
interface Decorated {
  [EXCHANGE]?: Exchange | undefined
}

/** What belongs to a request, from its first mention on. */
export function exchangeOf(request: FastifyRequest): Exchange {
  const decorated = request as FastifyRequest & Decorated
  decorated[EXCHANGE] ??= { attempts: 0 }
  return decorated[EXCHANGE]
}

/** Sends an answer of the proxy itself. */
export function sendAnswer(reply: FastifyReply, code: ProxyAnswerCode): void {
  const answer = proxyAnswer(code)
  reply.code(answer.status).headers(answerHeaders(answer))
  const { body, raw } = reply.request
  // Nobody reads on: what is left is for whoever made it to drop, see client-body.ts.
  if (body instanceof Readable && body !== raw) body.destroy()
  linger(reply)
  reply.send(answerBody(answer))
}

export function recordOf(request: FastifyRequest, reply: FastifyReply): ProxyRecord {
  const left = !reply.raw.headersSent
  return {
    status: left ? CLIENT_LEFT : reply.raw.statusCode,
    retried: exchangeOf(request).attempts > 1,
    durationMs: reply.elapsedTime,
  }
}
