/** Logs in to a server that answers as Vault does, and reads a secret with the token. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { load } from './load.mjs'

const { createToken } = await load('@projected-token/core')
const { createVaultFetch, createVaultTokenProvider } = await load('@projected-token/vault')

const auth = { client_token: 'hvs.example', policies: ['default'], lease_duration: 3600, renewable: true }
const server = createServer((incoming, response) => {
  const answer =
    incoming.url === '/v1/auth/kubernetes/login' ? { auth } : { data: incoming.headers['x-vault-token'] }
  response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
}).listen(0, '127.0.0.1')
await once(server, 'listening')

const jwt = { getToken: async () => createToken({ token: 'jwt', loadedAtMs: Date.now() }), invalidate() {} }
const address = `http://127.0.0.1:${server.address().port}`
const vault = createVaultTokenProvider({ address, role: 'build-robot', jwt })
const response = await createVaultFetch(vault)('/v1/secret/data/app')
assert.deepEqual(await response.json(), { data: 'hvs.example' })

await vault.close()
server.close()
server.closeAllConnections()
