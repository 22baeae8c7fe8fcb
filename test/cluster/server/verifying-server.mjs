/** A resource server: judges each request's token, counts what it saw by client, and takes the clients' reports. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'

const newCounts = () => ({
  requests: 0,
  refused: 0,
  byKeys: 0,
  byReview: 0,
  stale: 0,
  reasons: {},
  tokens: new Set(),
})

/**
 * @param documents JSON by path, for whoever asks
 * @returns { url, countsOf(client), reportOf(client), close() }
 */
export async function startVerifyingServer(judge, documents) {
  const clients = new Map()
  const reports = new Map()

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      // The judge could not be asked: nobody's token is to blame.
      console.error(`   the verifying server: ${error.message}`)
      response.writeHead(500).end()
    })
  })

  async function answer(request, response) {
    const route = request.url.slice(1)
    if (route === 'report') {
      const { reports: found } = await json(request)
      for (const [client, report] of Object.entries(found)) reports.set(client, report)
      return response.end()
    }
    request.resume()
    if (route in documents) {
      return response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify(documents[route]))
    }
    const counts = countsOf(request.headers['x-client'] ?? 'unknown')
    counts.requests++
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const { byKeys, byReview, isStale, id } = await judge(token, route)
    counts.tokens.add(id)
    if (isStale) counts.stale++
    if (byKeys) counts.byKeys++
    if (byReview) counts.byReview++
    for (const reason of [byKeys, byReview].filter(Boolean)) {
      counts.reasons[reason] = (counts.reasons[reason] ?? 0) + 1
    }
    if (!byKeys && !byReview) return response.end('ok')
    counts.refused++
    response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end('who are you?')
  }

  function countsOf(client) {
    if (!clients.has(client)) clients.set(client, newCounts())
    return clients.get(client)
  }

  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    countsOf: (client) => ({ ...countsOf(client), tokens: countsOf(client).tokens.size }),
    reportOf: (client) => reports.get(client),
    async close() {
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}
