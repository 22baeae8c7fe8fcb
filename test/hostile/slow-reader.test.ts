import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { createToken, type TokenProvider } from '@projected-token/core'
import { createVaultFetch, createVaultTokenProvider } from '@projected-token/vault'
import { expect, it, onTestFinished } from 'vitest'

/** More than a parser reads ahead for a reader that has not begun. */
const SIZE = 180_000

/** undici 7 asserted here that nobody waits, where nobody can catch it: nodejs/undici#5360. */
it('gives a large answer that ends with its connection to a caller that reads it later', {
  timeout: 300_000,
}, async () => {
  const server = createServer((socket) => {
    socket
      .on('error', () => {})
      .on('data', (data) => {
        const login = JSON.stringify({ auth: { client_token: 'hvs.abcdefghijkl', lease_duration: 3_600 } })
        if (String(data).includes('/login')) {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${login.length}\r\n\r\n${login}`)
        } else {
          socket.end(`HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n${'x'.repeat(SIZE)}`)
        }
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const held = createToken({ token: 'a.b.c', loadedAtMs: 0 })
  const jwt: TokenProvider = { current: held, getToken: async () => held, invalidate: () => {} }
  const provider = createVaultTokenProvider({
    address: `http://127.0.0.1:${port}`,
    role: 'app',
    jwt,
    env: {},
  })
  onTestFinished(() => provider.close())
  const send = createVaultFetch(provider)
  for (let round = 0; round < 10; round++) {
    const response = await send('/v1/secret/data/app')
    expect((await response.text()).length).toBe(SIZE)
  }
})
