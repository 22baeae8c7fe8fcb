import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createLog } from '@projected-token/sidecar'
import { startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fileWith, temporaryDirectory, tokenOf } from './support/files.js'
import { ask, sendBytes } from './support/requests.js'
import { startFromYaml } from './support/running-sidecar.js'

function createTestLog() {
  const lines: string[] = []
  const log = createLog({ level: 'trace', write: (line) => void lines.push(line) })
  return { ...log, lines, last: () => JSON.parse(lines.at(-1) as string) }
}

/** Pieces of a JWT that only who has the token knows; of another token all of it. */
function piecesOf(token: string): string[] {
  const [, claims, signature] = token.split('.')
  return [token, claims, signature, signature?.slice(0, 20)].filter((piece) => piece !== undefined)
}

describe('a log', () => {
  it('of a level that there is not is refused, with those that there are', () => {
    expect(() => createLog({ level: 'loud' as never })).toThrow(RangeError)
    expect(() => createLog({ level: 'loud' as never })).toThrow(
      "'level' must be one of fatal, error, warn, info, debug, trace, silent; got 'loud'",
    )
  })
})

describe('a log line', () => {
  it('is one JSON object with level, time, name and message', () => {
    const log = createTestLog()
    log.logger.info({ source: 'app' }, 'token rotated')
    expect(log.lines[0]).toMatch(/\}\n$/)
    expect(log.last()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      name: 'projected-token-sidecar',
      source: 'app',
      msg: 'token rotated',
    })
  })

  it('has of a request no more than method and path', () => {
    const log = createTestLog()
    const headers = { authorization: 'x', 'x-vault-token': 'y' }
    log.logger.info({ req: { method: 'GET', url: '/a?token=z', headers, body: 'b' } }, 'request')
    expect(log.last().req).toEqual({ method: 'GET', path: '/a' })
  })

  it('has of an error no more than its kind, code, words and causes', () => {
    const log = createTestLog()
    const cause = new Error('inner')
    log.logger.error({
      err: Object.assign(new Error('outer', { cause }), { code: 'E', request: { secret: 1 } }),
    })
    expect(log.last().err).toMatchObject({
      type: 'Error',
      code: 'E',
      message: 'outer',
      cause: { message: 'inner' },
    })
    expect(log.last().err).not.toHaveProperty('request')
  })

  const secret = tokenOf('canary')
  const opaque = 'opaque "canary"\\token'
  const ways: [string, (log: ReturnType<typeof createTestLog>['logger'], secret: string) => void][] = [
    ['as its message', (log, text) => log.info(text)],
    ['within its message', (log, text) => log.warn(`sent 'Bearer ${text}' to x`)],
    ['by a placeholder', (log, text) => log.debug('sent %s', text)],
    ['in a field', (log, text) => log.info({ anything: text })],
    ['in a field named for it', (log, text) => log.info({ token: text, headers: { authorization: text } })],
    ['deep in a field', (log, text) => log.trace({ a: { b: [{ c: { d: text } }] } })],
    ['as the name of a field', (log, text) => log.info({ [text]: 1 })],
    ['in an error', (log, text) => log.error({ err: new Error(`bad ${text}`) })],
    [
      'in the cause of an error',
      (log, text) => log.error({ err: new Error('x', { cause: new Error(text) }) }),
    ],
    ['in an error alone', (log, text) => log.error(new Error(text))],
    ['in a child', (log, text) => log.child({ proxy: text }).info('x')],
    ['in a URL', (log, text) => log.info({ url: `http://x/?t=${text}` })],
  ]
  it.each(ways)('shows no token that stands %s', (_way, write) => {
    const log = createTestLog()
    log.hide(() => opaque)
    write(log.logger, secret)
    write(log.logger, opaque)
    const text = log.lines.join('')
    for (const piece of piecesOf(secret)) expect(text).not.toContain(piece)
    expect(text).not.toContain(opaque)
    expect(text).not.toContain(JSON.stringify(opaque).slice(1, -1))
    for (const line of log.lines) expect(() => JSON.parse(line)).not.toThrow()
  })

  it('would show one that nothing is known of: what is searched for would be found', () => {
    const log = createTestLog()
    log.logger.info('an opaque-canary-of-nobody')
    expect(log.lines.join('')).toContain('opaque-canary-of-nobody')
    log.hide(() => 'opaque-canary-of-nobody')
    log.logger.info('an opaque-canary-of-nobody')
    expect(log.lines[1]).toContain('an [token]')
  })

  it.each([
    ['hvs.CAESIJ1rB5nq3kSz', 'hvs.'],
    ['s.Kz4qW8nB1xY7mP2dR5tV9hJ3', 'Kz4qW8nB1xY7mP2dR5tV9hJ3'],
    ['Basic dXNlcjpwYXNzd29yZA==', 'dXNlcjpw'],
    ['eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4', 'eyJzdWIi'],
  ])('shows nothing that looks like one either: %s', (text, piece) => {
    const log = createTestLog()
    log.logger.info(`sent ${text} somewhere`)
    expect(log.lines[0]).not.toContain(piece)
    expect(log.last().msg).toMatch(/^sent .+ somewhere$/)
  })

  it('still hides a token after it was replaced', () => {
    const log = createTestLog()
    let current = 'opaque-first-token'
    log.hide(() => current)
    log.logger.info('x')
    current = 'opaque-second-token'
    log.logger.info('opaque-first-token opaque-second-token')
    expect(log.last().msg).toBe('[token] [token]')
  })
})

describe('the log of a sidecar', () => {
  it('tells what happens to tokens, by their fingerprints', async () => {
    const kubelet = await startFakeKubelet({ autoRotate: false, serve: false, algorithm: 'ES256' })
    onTestFinished(() => kubelet.close())
    const sidecar = await startFromYaml(
      `tokens: [{ name: app, path: '${kubelet.path}', audience: vault }]\napi: { listen: off }\nhealth: { listen: off }`,
    )
    const told = (message: string) =>
      expect.poll(() => sidecar.lines.filter((line) => line.includes(`"${message}"`)), { timeout: 25_000 })
    await told('token is there').toHaveLength(1)
    await kubelet.rotate()
    await told('token rotated').toHaveLength(1)
    await kubelet.wrongAudience()
    await told('token cannot be read').toHaveLength(1)
    await kubelet.rotate()
    await told('token can be read again').toHaveLength(1)
    expect(
      JSON.parse(sidecar.lines.find((line) => line.includes('"token rotated"')) as string),
    ).toMatchObject({
      source: 'app',
      fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/),
      previous: expect.stringMatching(/^[0-9a-f]{12}$/),
    })
  })

  it('shows no token at any level, whatever is asked and whatever fails', async () => {
    const kubelet = await startFakeKubelet({ autoRotate: false, serve: false, algorithm: 'ES256' })
    onTestFinished(() => kubelet.close())
    const secrets = piecesOf(kubelet.current.token)
    const opaque = 'opaque-canary-token-of-a-file'
    const own = 'opaque-canary-of-the-client'
    secrets.push(opaque, own)
    // It breaks every second connection, in the middle of an answer.
    let requests = 0
    const seen: string[] = []
    const upstream = createServer((request, response) => {
      seen.push(request.headers.authorization ?? '')
      if (++requests % 2 === 1)
        return void response.writeHead(401, { 'www-authenticate': 'Bearer' }).end(kubelet.current.token)
      response.writeHead(200, { 'content-length': '100', 'x-echo': String(request.headers.authorization) })
      response.write(String(request.headers.authorization))
      setImmediate(() => request.socket.destroy())
    }).listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    onTestFinished(() => {
      upstream.closeAllConnections()
      upstream.close()
    })
    const { port } = upstream.address() as AddressInfo
    const directory = await temporaryDirectory()
    const sidecar = await startFromYaml(`
tokens:
  - { name: app, path: '${kubelet.path}', audience: vault }
  - { name: opaque, path: '${await fileWith(opaque, 'token')}' }
  - { name: broken, path: '${await fileWith(`${opaque} ${opaque}`, 'token')}' }
vaultTokens: [{ name: vault, jwt: app, role: app, address: 'http://127.0.0.1:${port}' }]
api: { listen: '127.0.0.1:0' }
proxies:
  - { listen: '127.0.0.1:0', upstream: 'http://127.0.0.1:${port}', token: app }
  - { listen: '127.0.0.1:0', upstream: 'http://127.0.0.1:1', token: opaque }
  - { listen: '127.0.0.1:0', upstream: 'http://127.0.0.1:${port}', vaultToken: vault }
sinks:
  - { token: app, path: '${join(directory, 'token')}' }
  - { token: opaque, path: '${join(directory, 'none', 'token')}' }
  - { token: app, path: '${join(directory, 'json')}', format: json, onChange: { command: [/nonexistent] } }
  - { token: opaque, path: '${join(directory, 'other')}', onChange: { command: [cat, '${join(directory, 'other')}'] } }
health: { listen: '127.0.0.1:0' }
status: { listen: '127.0.0.1:0' }`)
    const { api, proxies, health, status } = sidecar.addresses as {
      api: string
      proxies: string[]
      health: string
      status: string
    }
    const tryAll = async () => {
      const { token } = kubelet.current
      secrets.push(...piecesOf(token))
      const headers = { 'projected-token': 'true' }
      const attempts = [
        ...[
          '/v1/token',
          '/v1/token/opaque',
          `/v1/token/${token}`,
          `/v1/token?t=${token}`,
          '/v1/token/%zz',
        ].map((path) => ask(api, { path, headers })),
        ask(api, { headers: { ...headers, authorization: `Bearer ${token}`, origin: own } }),
        ask(api, { method: 'POST', headers, body: token }),
        ...[health, status].map((address) =>
          ask(address, { path: `/${token}?${opaque}`, headers: { cookie: opaque } }),
        ),
        ...proxies.slice(0, 2).flatMap((address) => [
          ask(address, { path: `/a?t=${token}`, headers: {} }),
          ask(address, { path: '/a', headers: { authorization: `Bearer ${own}` } }),
          ask(address, {
            method: 'POST',
            path: '/a',
            headers: { 'content-type': 'text/plain' },
            body: token,
          }),
          ask(address, {
            path: '/a',
            headers: { connection: 'upgrade', upgrade: 'websocket', cookie: own },
          }),
        ]),
        ...[api, health, ...proxies.slice(0, 2)].map((address) =>
          sendBytes(address, `GET /${token}\r\n${opaque}: ${own}\r\n\r\n`),
        ),
      ]
      await Promise.allSettled(attempts)
    }
    await tryAll()
    await kubelet.rotate()
    await expect
      .poll(() => sidecar.lines.some((line) => line.includes('"token rotated"')), { timeout: 25_000 })
      .toBe(true)
    await tryAll()
    // Not before the login has failed: its words are searched too.
    await expect
      .poll(() => sidecar.lines.some((line) => line.includes('"no answer as wished')), { timeout: 25_000 })
      .toBe(true)
    await sidecar.close()
    const text = sidecar.lines.join('')
    // The canaries did go through: the upstream saw them, and there is a log to search.
    expect(seen.some((header) => header.includes(kubelet.current.token))).toBe(true)
    expect(seen).toContain(`Bearer ${own}`)
    expect(sidecar.lines.length).toBeGreaterThan(10)
    expect(text).toContain('"token cannot be read"')
    expect(text).toContain('"no answer as wished from Vault"')
    for (const secret of secrets) expect(text).not.toContain(secret)
  })
})
