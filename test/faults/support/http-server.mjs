/** A server that verifies the token of every request, behind a front. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { startFront } from './front.mjs'
import { judgeToken } from './judge-token.mjs'

export async function startHttpServer(kubelet) {
  let refuses = false
  let location
  const seen = { requests: 0, withoutToken: 0 }
  const server = createServer(async (request, response) => {
    seen.requests++
    request.resume()
    if (location !== undefined) return response.writeHead(307, { location }).end()
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined) seen.withoutToken++
    const isRefused = typeof refuses === 'function' ? refuses(token) : refuses
    const verdict = isRefused ? { reason: 'refused' } : await judgeToken(kubelet, token)
    response.writeHead(verdict.id ? 200 : 401, { 'content-type': 'application/json' })
    response.end(JSON.stringify(verdict))
  })
  server.keepAliveTimeout = 600_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const front = await startFront(server.address().port)
  return {
    kind: 'verifies the token',
    url: `http://127.0.0.1:${front.port}`,
    front,
    seen,
    refuse(next) {
      refuses = next
    },
    redirect(next) {
      location = next
    },
    async close() {
      await front.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
