import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { EventStream } from './event-stream.js'
import { isForeignFetch, isTrustedHost } from './host-rule.js'
import { createHttpApp } from './http-app.js'
import { PAGE_HTML, PAGE_ICON } from './page/html.js'
import { pageScript } from './page/script.js'
import { PAGE_STYLE } from './page/style.js'
import type { TimedReport } from './report.js'

/** What the status server tells, and to whom. */
export interface StatusServerOptions {
  stream: EventStream
  report(): TimedReport
  allowedHosts: readonly string[]
}

/** The page needs nothing from anywhere else, and could not get it. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** The page for people, and what it is made of. Not listening yet. */
export async function createStatusServer(
  log: FastifyBaseLogger,
  { stream, report, allowedHosts }: StatusServerOptions,
): Promise<FastifyInstance> {
  const app = await createHttpApp(log)
  app.addHook('onRequest', async ({ headers }: FastifyRequest, reply: FastifyReply) => {
    if (!isTrustedHost(headers.host, allowedHosts)) {
      return reply.code(421).send({ error: 'this Host is not allowed' })
    }
    const { 'sec-fetch-site': site, 'sec-fetch-mode': mode } = headers as Record<string, string | undefined>
    if (isForeignFetch(site, mode)) return reply.code(403).send({ error: 'cross-site request' })
  })
  const script = pageScript()
  const page = (path: string, type: string, text: string) =>
    app.get(path, (_request, reply) =>
      reply.header('content-security-policy', PAGE_POLICY).type(`${type}; charset=utf-8`).send(text),
    )
  page('/', 'text/html', PAGE_HTML)
  page('/app.js', 'text/javascript', script)
  page('/style.css', 'text/css', PAGE_STYLE)
  page('/icon.svg', 'image/svg+xml', PAGE_ICON)
  app.get('/status', (_request, reply) => reply.send(report()))
  app.get('/events', (request, reply) => {
    if (request.method === 'HEAD') return reply.type('text/event-stream; charset=utf-8').send()
    if (!stream.hasRoom())
      return reply.code(503).header('retry-after', '10').send({ error: 'too many viewers' })
    reply.hijack()
    stream.add(reply.raw, reply.getHeaders() as OutgoingHttpHeaders)
  })
  app.addHook('preClose', async () => stream.close())
  return app
}
