import { once } from 'node:events'
import { chmod, stat, writeFile } from 'node:fs/promises'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import { join } from 'node:path'
import {
  ConfigError,
  createLog,
  ListenError,
  parseConfig,
  type Sidecar,
  startSidecar,
} from '@projected-token/sidecar'
import { createFakeClock } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory, tokenFile, tokenOf } from './support/files.js'
import { ask, connectionTo } from './support/requests.js'
import { startFromYaml } from './support/running-sidecar.js'
import { leaveStaleSocket } from './support/stale-socket.js'

const token = tokenOf('lifecycle')
const tokensYaml = async () => `tokens: [{ name: app, path: '${await tokenFile(token)}' }]\n`

/** An upstream that answers when it is told to. */
async function startUpstream() {
  const asked: { request: IncomingMessage; answer: (body: string) => void }[] = []
  const server = createServer((incoming, outgoing: ServerResponse) => {
    asked.push({ request: incoming, answer: (body) => void outgoing.end(body) })
    server.emit('asked')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const port = (server.address() as AddressInfo).port
  return { asked, url: `http://127.0.0.1:${port}`, nextAsked: () => once(server, 'asked') }
}

async function startWithProxy(clock?: ReturnType<typeof createFakeClock>) {
  const upstream = await startUpstream()
  const sidecar = await startFromYaml(
    `${await tokensYaml()}api: { listen: '127.0.0.1:0' }
proxies: [{ listen: '127.0.0.1:0', upstream: '${upstream.url}', token: app }]
health: { listen: '127.0.0.1:0' }`,
    clock ? { clock } : {},
  )
  return { upstream, sidecar, proxy: sidecar.addresses.proxies[0] as string }
}

const failureOf = (address: string) =>
  ask(address).then(
    () => 'none',
    (error: NodeJS.ErrnoException) => error.code,
  )

const statusOf = async (sidecar: Sidecar, path: string) =>
  (await ask(sidecar.addresses.health as string, { path, headers: {} })).status

describe('a sidecar that stops', () => {
  it('is not ready any more, and finishes a request under way', async () => {
    const { upstream, sidecar, proxy } = await startWithProxy()
    await expect.poll(() => statusOf(sidecar, '/readyz'), { timeout: 20_000 }).toBe(200)
    const asked = upstream.nextAsked()
    const answer = ask(proxy, { path: '/slow', headers: {} })
    await asked
    const closed = sidecar.close()
    expect(await statusOf(sidecar, '/readyz')).toBe(503)
    await expect
      .poll(() => failureOf(sidecar.addresses.api as string), { timeout: 20_000 })
      .toBe('ECONNREFUSED')
    upstream.asked[0]?.answer('finished')
    expect(await answer).toMatchObject({ status: 200, body: 'finished' })
    expect(upstream.asked[0]?.request.headers.authorization).toBe(`Bearer ${token}`)
    expect(await closed).toEqual({ isDrained: true })
    expect(await failureOf(sidecar.addresses.health as string)).toBe('ECONNREFUSED')
  })

  it('waits for no connection that is only kept', async () => {
    const { upstream, sidecar, proxy } = await startWithProxy()
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    const asked = upstream.nextAsked()
    const outgoing = request({ ...connectionTo(proxy), path: '/', agent })
    outgoing.end()
    await asked
    const closed = sidecar.close()
    upstream.asked[0]?.answer('kept')
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    incoming.resume()
    expect(await closed).toEqual({ isDrained: true })
  })

  it('cuts what is not finished when the time is over, and says so', async () => {
    const clock = createFakeClock()
    const { upstream, sidecar, proxy } = await startWithProxy(clock)
    const asked = upstream.nextAsked()
    const answer = ask(proxy, { path: '/never', headers: {} })
    const failed = expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' })
    await asked
    const closed = sidecar.close()
    await clock.advance(25_000)
    await failed
    expect(await closed).toEqual({ isDrained: false })
  })

  it('leaves no socket file, and can be told twice', async () => {
    const path = join(await temporaryDirectory(), 'api.sock')
    const sidecar = await startFromYaml(
      `${await tokensYaml()}api: { listen: 'unix://${path}' }\nhealth: { listen: off }`,
    )
    const [first, second] = await Promise.all([sidecar.close(), sidecar.close()])
    expect(first).toBe(second)
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })
})

describe('a unix socket', () => {
  const listenOn = async (path: string, more = '') =>
    startFromYaml(`${await tokensYaml()}api: { listen: 'unix://${path}'${more} }\nhealth: { listen: off }`)

  it('is for its owner alone, unless told otherwise', async () => {
    const path = join(await temporaryDirectory(), 'api.sock')
    await listenOn(path)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const shared = join(await temporaryDirectory(), 'api.sock')
    const gid = process.getgid?.() ?? 0
    await listenOn(shared, `, socketMode: '0660', socketGroup: ${gid}`)
    expect(await stat(shared)).toMatchObject({ gid })
    expect((await stat(shared)).mode & 0o777).toBe(0o660)
  })

  it('takes the place of one that a killed process left', async () => {
    const path = join(await temporaryDirectory(), 'api.sock')
    await leaveStaleSocket(path)
    const sidecar = await listenOn(path)
    expect((await ask(sidecar.addresses.api as string)).status).toBe(200)
  })

  it('does not take the place of one that somebody listens on', async () => {
    const path = join(await temporaryDirectory(), 'api.sock')
    const other = createSocketServer().listen(path)
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    await expect(listenOn(path)).rejects.toThrow(
      `api cannot listen on unix://${path}: another process listens there`,
    )
    expect((await stat(path)).isSocket()).toBe(true)
  })

  it('never takes the place of anything else', async () => {
    const path = join(await temporaryDirectory(), 'api.sock')
    await writeFile(path, 'precious')
    await expect(listenOn(path)).rejects.toThrow('there is a file that is no socket, which is not removed')
    expect((await stat(path)).size).toBe(8)
  })

  it('needs its directory', async () => {
    const path = join(await temporaryDirectory(), 'none', 'api.sock')
    await expect(listenOn(path)).rejects.toThrow('the directory does not exist')
  })

  it.skipIf(process.getuid?.() === 0)('needs the permission (skipped as root)', async () => {
    const directory = await temporaryDirectory()
    await chmod(directory, 0o500)
    await expect(listenOn(join(directory, 'api.sock'))).rejects.toThrow('the permission is missing')
  })
})

describe('a sidecar that cannot start', () => {
  it('says which listener, and leaves nothing running', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    const path = join(await temporaryDirectory(), 'api.sock')
    const starting = startFromYaml(
      `${await tokensYaml()}api: { listen: 'unix://${path}' }\nhealth: { listen: '127.0.0.1:${port}' }`,
    )
    await expect(starting).rejects.toThrow(ListenError)
    await expect(starting).rejects.toThrow(
      `health cannot listen on 127.0.0.1:${port}: another process listens there`,
    )
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })

  it('says which sink it cannot make, and leaves no rejection behind', async () => {
    const path = join(await temporaryDirectory(), 'token')
    const config = parseConfig(
      `${await tokensYaml()}api: { listen: off }\nhealth: { listen: off }\nsinks: [{ token: app, path: '${path}' }]`,
      'test.yaml',
    )
    const sinks = config.sinks.map((sink) => ({ ...sink, path: `${path}/` }))
    const log = createLog({ write: () => {} })
    await expect(startSidecar({ ...config, sinks }, { log })).rejects.toThrow("not ending in '/'")
  })

  it('says which files of authorities cannot be read, all of them, and nothing else', async () => {
    const directory = await temporaryDirectory()
    const proxy = (caCert: string) =>
      `  - { listen: '127.0.0.1:0', upstream: 'https://x', token: app, caCert: '${caCert}' }\n`
    const config = parseConfig(
      `${await tokensYaml()}api: { listen: off }\nhealth: { listen: off }
proxies:\n${proxy('/nonexistent/ca.pem')}${proxy(directory)}`,
      'test.yaml',
    )
    const lines: string[] = []
    const starting = startSidecar(config, { log: createLog({ write: (line) => void lines.push(line) }) })
    await expect(starting).rejects.toThrow(ConfigError)
    await expect(starting).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      problems: [
        { path: 'proxies[0].caCert', found: "no file at '/nonexistent/ca.pem'" },
        { path: 'proxies[1].caCert', found: `a file '${directory}' that is no regular file` },
      ],
    })
    expect(lines).toEqual([])
  })
})

describe('a sidecar that ends before it has a token', () => {
  it('does not call that a failure of the token', async () => {
    const taken = createSocketServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const config = parseConfig(
      `tokens: [{ name: app, path: /nonexistent/token }]
api: { listen: '127.0.0.1:${(taken.address() as AddressInfo).port}' }\nhealth: { listen: off }`,
      'test.yaml',
    )
    const lines: string[] = []
    const log = createLog({ write: (line) => void lines.push(line) })
    await expect(startSidecar(config, { log })).rejects.toThrow(ListenError)
    const errors = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error')
    expect(errors).toEqual([])
  })
})

describe('a sidecar', () => {
  it('starts without a token, and is not ready', async () => {
    const sidecar = await startFromYaml(
      "tokens: [{ name: app, path: /nonexistent/token }]\napi: { listen: off }\nhealth: { listen: '127.0.0.1:0' }",
    )
    expect(await statusOf(sidecar, '/healthz')).toBe(200)
    expect(await statusOf(sidecar, '/readyz')).toBe(503)
  })

  it('listens on all interfaces', async () => {
    const sidecar = await startFromYaml(`${await tokensYaml()}api: { listen: off }\nhealth: { listen: ':0' }`)
    const port = (sidecar.addresses.health as string).split(':').at(-1)
    expect((await ask(`127.0.0.1:${port}`, { path: '/healthz', headers: {} })).status).toBe(200)
  })
})

describe('proxies whose ports the system chose', () => {
  it('are counted apart, each under the address where it listens', async () => {
    const proxy = "{ listen: '127.0.0.1:0', upstream: 'http://127.0.0.1:1', token: app }"
    const sidecar = await startFromYaml(
      `${await tokensYaml()}api: { listen: off }\nhealth: { listen: '127.0.0.1:0' }\nproxies: [${proxy}, ${proxy}]`,
    )
    const [first = '', second = ''] = sidecar.addresses.proxies
    for (const address of [first, second, second]) await ask(address)
    const { body } = await ask(sidecar.addresses.health as string, { path: '/metrics', headers: {} })
    const counted = [
      ...body.matchAll(/^projected_token_proxy_requests_total\{proxy="(.+)",status="502"\} (\d+)$/gm),
    ]
    expect(counted.map(([, address, count]) => [address, count])).toEqual([
      [first, '1'],
      [second, '2'],
    ])
  })
})

describe('a proxy whose upstream has no TLS', () => {
  const warningsOf = async (upstream: string) => {
    const proxy = `proxies: [{ listen: '127.0.0.1:0', upstream: '${upstream}', token: app }]`
    const { lines } = await startFromYaml(`${await tokensYaml()}${proxy}`)
    return lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'warn')
  }

  it.each(['http://things.default.svc:8080/base', 'http://10.1.2.3', 'http://[fd00::1]:80'])(
    'is warned of when it is another machine: %s',
    async (upstream) => {
      expect(await warningsOf(upstream)).toMatchObject([
        { upstream: new URL(upstream).origin, msg: 'the token can be read on the way: no TLS' },
      ])
    },
  )

  it.each([
    'http://127.0.0.1:1',
    'http://localhost:1',
    'http://localhost.:1',
    'http://[::1]:1',
    'http://[::ffff:127.0.0.1]:1',
    'http://0.0.0.0:1',
    'https://things.default.svc',
  ])('is nothing to warn of: %s', async (upstream) => {
    expect(await warningsOf(upstream)).toEqual([])
  })
})
