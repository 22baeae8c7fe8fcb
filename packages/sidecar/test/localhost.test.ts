import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createSocketServer, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { ListenError } from '@projected-token/sidecar'
import { createFakeClock } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { tokenFile } from './support/files.js'
import { ask, sendBytes } from './support/requests.js'
import { type RunningSidecar, startFromYaml } from './support/running-sidecar.js'

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
)

/** An upstream that answers when it is told to. */
async function startUpstream() {
  const waiting: ServerResponse[] = []
  const server = createServer((_request, response) => {
    waiting.push(response)
    server.emit('asked')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, waiting, asked: () => once(server, 'asked') }
}

async function start(upstream = 'http://127.0.0.1:9', clock?: ReturnType<typeof createFakeClock>) {
  const sidecar = await startFromYaml(
    `tokens: [{ name: app, path: '${await tokenFile()}' }]
api: { listen: 'localhost:0' }
proxies: [{ listen: 'localhost:0', upstream: '${upstream}', token: app }]
health: { listen: 'localhost:0' }`,
    clock ? { clock } : {},
  )
  return { sidecar, addresses: addressesOf(sidecar) }
}

function addressesOf({ addresses: { api, proxies, health } }: RunningSidecar) {
  return { api, proxy: proxies[0], health } as Record<'api' | 'proxy' | 'health', string>
}

const onIpv6 = (address: string) => address.replace(/^localhost/, '[::1]')

/** A connection that the server has taken, with the bytes that it has got. */
async function connectionOf(address: string, bytes: string): Promise<Socket> {
  const socket = connect(Number(address.split(':').at(-1)), '::1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  if (bytes !== '') socket.write(bytes)
  // Connections are taken one after the other.
  await ask(onIpv6(address), { path: '/', headers: {} })
  return socket
}

describe.skipIf(!hasIpv6)('a listener on localhost (skipped where there is no IPv6)', () => {
  it('listens on both addresses of loopback, with one port', async () => {
    const { addresses } = await start()
    expect(addresses.api).toMatch(/^localhost:\d+$/)
    for (const address of [addresses.api.replace('localhost', '127.0.0.1'), onIpv6(addresses.api)]) {
      expect(await ask(address)).toMatchObject({ status: 200 })
      expect(await ask(address, { headers: {} })).toMatchObject({ status: 403 })
    }
  })

  it.each([
    ['nothing', 'health', ''],
    ['nothing', 'api', ''],
    ['nothing', 'proxy', ''],
    ['half a request', 'health', 'GET /healthz HT'],
    ['half a request', 'api', 'GET /v1/token HTTP/1.1\r\nHo'],
    ['half a request', 'proxy', 'GET / HTTP/1.1\r\nHo'],
  ] as const)(
    'waits at its end for no connection to either that has sent %s to %s',
    async (_what, listener, bytes) => {
      const { sidecar, addresses } = await start()
      const socket = await connectionOf(addresses[listener], bytes)
      const ended = once(socket, 'close')
      expect(await sidecar.close()).toEqual({ isDrained: true })
      socket.resume()
      await ended
      await expect(ask(onIpv6(addresses[listener]))).rejects.toThrow('ECONNREFUSED')
    },
  )

  it('finishes at its end a request under way over either', async () => {
    const upstream = await startUpstream()
    const { sidecar, addresses } = await start(upstream.url)
    const asked = upstream.asked()
    const answer = ask(onIpv6(addresses.proxy), { path: '/slow', headers: {} })
    await asked
    let isClosed = false
    const closed = sidecar.close().finally(() => {
      isClosed = true
    })
    for (const host of ['127.0.0.1', '[::1]']) {
      const address = addresses.api.replace('localhost', host)
      await expect
        .poll(() =>
          ask(address).then(
            () => 'none',
            (error: NodeJS.ErrnoException) => error.code,
          ),
        )
        .toBe('ECONNREFUSED')
    }
    expect(isClosed).toBe(false)
    upstream.waiting[0]?.end('finished')
    expect(await answer).toMatchObject({ status: 200, body: 'finished' })
    expect(await closed).toEqual({ isDrained: true })
  })

  it('cuts at the end of its time what is not finished over either', async () => {
    const clock = createFakeClock()
    const upstream = await startUpstream()
    const { sidecar, addresses } = await start(upstream.url, clock)
    const asked = upstream.asked()
    const answer = ask(onIpv6(addresses.proxy), { headers: {} })
    const failed = expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' })
    await asked
    const closed = sidecar.close()
    await clock.advance(25_000)
    await failed
    expect(await closed).toEqual({ isDrained: false })
  })

  it.each(['127.0.0.1', '[::1]'])(
    'answers what is no HTTP, or asks for an upgrade, alike: %s',
    async (host) => {
      const { addresses } = await start()
      const address = addresses.api.replace('localhost', host)
      expect(await sendBytes(address, 'no HTTP\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [\s\S]*ERR_BAD_REQUEST/)
      const upgrade = [
        'GET /v1/token HTTP/1.1',
        `Host: ${address}`,
        'Projected-Token: true',
        'Connection: Upgrade, close',
        'Upgrade: h2c',
        '\r\n',
      ].join('\r\n')
      expect(await sendBytes(address, upgrade)).toMatch(/^HTTP\/1\.1 200 /)
    },
  )

  it('does not start when somebody else has one of the two addresses', async () => {
    const other = createSocketServer().listen(0, '::1')
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    const { port } = other.address() as AddressInfo
    const starting = startFromYaml(
      `tokens: [{ name: app, path: '${await tokenFile()}' }]\napi: { listen: 'localhost:${port}' }\nhealth: { listen: off }`,
    )
    await expect(starting).rejects.toThrow(ListenError)
    await expect(starting).rejects.toThrow(
      `api cannot listen on localhost:${port}: another process listens there`,
    )
    await expect(ask(`127.0.0.1:${port}`)).rejects.toThrow('ECONNREFUSED')
  })
})
