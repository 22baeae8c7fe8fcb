/** A server that nobody gave a token for. */
import { once } from 'node:events'
import { createServer } from 'node:http'

const CREDENTIALS = ['authorization', 'x-vault-token']

/** @returns its URL, how many requests came, and how many of them with a credential */
export async function startElsewhere() {
  const seen = { requests: 0, credentials: 0 }
  const server = createServer((request, response) => {
    seen.requests++
    const withToken = CREDENTIALS.some((name) => request.headers[name] !== undefined)
    if (withToken) seen.credentials++
    request.resume()
    response.end(JSON.stringify({ elsewhere: withToken ? 'with the token' : 'without the token' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}/elsewhere`,
    seen,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
