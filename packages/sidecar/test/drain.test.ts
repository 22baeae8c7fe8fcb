import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { createFakeClock } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { tokenFile } from './support/files.js'
import { ask, connectionTo } from './support/requests.js'
import { startFromYaml } from './support/running-sidecar.js'

async function start(clock?: ReturnType<typeof createFakeClock>) {
  const upstream = createServer((_request, response) => response.end('from upstream')).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  onTestFinished(() => {
    upstream.closeAllConnections()
    upstream.close()
  })
  const { port } = upstream.address() as AddressInfo
  const sidecar = await startFromYaml(
    `tokens: [{ name: app, path: '${await tokenFile()}' }]
api: { listen: '127.0.0.1:0' }
proxies: [{ listen: '127.0.0.1:0', upstream: 'http://127.0.0.1:${port}', token: app }]
health: { listen: '127.0.0.1:0' }
shutdownTimeout: 20s`,
    clock ? { clock } : {},
  )
  const { api, proxies, health } = sidecar.addresses
  return { sidecar, addresses: { api, proxy: proxies[0], health } as Record<string, string> }
}

/** A connection that the server has taken, and perhaps bytes that it has. */
async function connectionOf(address: string, bytes = ''): Promise<Socket> {
  const { host, port } = connectionTo(address) as { host: string; port: number }
  const socket = connect(port, host)
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  if (bytes !== '') socket.write(bytes)
  // Connections are taken one after the other.
  await ask(address, { path: '/', headers: {} })
  return socket
}

describe('a sidecar that stops', () => {
  it.each([
    ['nothing', 'health', ''],
    ['nothing', 'api', ''],
    ['nothing', 'proxy', ''],
    ['half a request', 'health', 'GET /healthz HT'],
    ['half a request', 'api', 'GET /v1/token HTTP/1.1\r\nHo'],
    ['half a request', 'proxy', 'GET / HTTP/1.1\r\nHo'],
  ])('waits for no connection that has sent %s to %s', async (_what, listener, bytes) => {
    const { sidecar, addresses } = await start()
    const socket = await connectionOf(addresses[listener] as string, bytes)
    const ended = once(socket, 'close')
    expect(await sidecar.close()).toEqual({ isDrained: true })
    socket.resume()
    await ended
  })

  it('answers who has connected, and sends the request then', async () => {
    const { sidecar, addresses } = await start(createFakeClock())
    const socket = await connectionOf(addresses.proxy as string)
    const closed = sidecar.close()
    let received = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text
    })
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    await once(socket, 'close')
    expect(received).toMatch(/^HTTP\/1\.1 200 [\s\S]*from upstream/)
    expect(await closed).toEqual({ isDrained: true })
  })
})
