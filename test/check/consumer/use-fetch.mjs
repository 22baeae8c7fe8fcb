/** Sends an authenticated request by fetch, and one by undici, to a server on this machine. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Agent, request } from 'undici'
import { load } from './load.mjs'

const { createToken } = await load('@projected-token/core')
const { createAuthFetch } = await load('@projected-token/fetch')
const { createTokenInterceptor } = await load('@projected-token/fetch/undici')

const provider = {
  getToken: async () => createToken({ token: 'secret', loadedAtMs: Date.now() }),
  invalidate() {},
}

const server = createServer((incoming, response) => response.end(incoming.headers.authorization)).listen(
  0,
  '127.0.0.1',
)
await once(server, 'listening')
const origin = `http://127.0.0.1:${server.address().port}`

const authFetch = createAuthFetch(provider, { origins: [origin] })
assert.equal(await (await authFetch(origin)).text(), 'Bearer secret')

const dispatcher = new Agent().compose(createTokenInterceptor(provider, { origins: [origin] }))
const { body } = await request(origin, { dispatcher })
assert.equal(await body.text(), 'Bearer secret')

await dispatcher.close()
server.close()
server.closeAllConnections()
