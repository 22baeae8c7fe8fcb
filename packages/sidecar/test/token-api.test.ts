import { rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createFakeClock, FAKE_CLOCK_START_MS, startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fileWith, temporaryDirectory, tokenFile, tokenOf } from './support/files.js'
import { ask } from './support/requests.js'
import { startFromYaml } from './support/running-sidecar.js'

const quiet = 'health: { listen: off }'

/** A sidecar with a token endpoint on a free port. */
async function startApi(tokens: string, listen = '127.0.0.1:0') {
  const sidecar = await startFromYaml(`tokens:\n${tokens}\napi: { listen: '${listen}' }\n${quiet}`)
  return { sidecar, address: sidecar.addresses.api as string }
}

async function startKubelet(options: Parameters<typeof startFakeKubelet>[0] = {}) {
  const kubelet = await startFakeKubelet({ autoRotate: false, serve: false, algorithm: 'ES256', ...options })
  onTestFinished(() => kubelet.close())
  return kubelet
}

const first = tokenOf('first')
const one = async (token = first) => `  - { name: app, path: '${await tokenFile(token)}' }`

describe('the token endpoint', () => {
  it('gives a token with its expiry, by name and without', async () => {
    const kubelet = await startKubelet()
    const { address } = await startApi(`  - { name: app, path: '${kubelet.path}', audience: vault }`)
    const { token, expiresAtMs } = kubelet.current
    const expected = {
      name: 'app',
      kind: 'projected',
      token,
      expiresAt: new Date(expiresAtMs as number).toISOString(),
      expiresAtMs,
    }
    for (const path of ['/v1/token', '/v1/token/app', '/v1/token?x=1']) {
      const answer = await ask(address, { path })
      expect(answer.status).toBe(200)
      expect(JSON.parse(answer.body)).toEqual(expected)
      expect(answer.headers).toMatchObject({
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      })
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
    }
  })

  it('gives the first of several tokens when none is named', async () => {
    const second = tokenOf('second')
    const path = await tokenFile(second)
    const { address } = await startApi(`${await one()}\n  - { name: other, path: '${path}' }`)
    expect(JSON.parse((await ask(address)).body).token).toBe(first)
    expect(JSON.parse((await ask(address, { path: '/v1/token/other' })).body).token).toBe(second)
  })

  it('says null where a token has no expiry', async () => {
    const token = tokenOf('legacy', { exp: undefined })
    const { address } = await startApi(await one(token))
    expect(JSON.parse((await ask(address)).body)).toEqual({
      name: 'app',
      kind: 'projected',
      token,
      expiresAt: null,
      expiresAtMs: null,
    })
  })

  it('gives the token alone to who prefers text', async () => {
    const { address } = await startApi(await one())
    const accept = async (value: string) =>
      ask(address, { headers: { 'projected-token': 'true', accept: value } })
    expect((await accept('text/plain')).body).toBe(first)
    expect((await accept('text/plain;q=0.9, */*')).headers['content-type']).toBe('text/plain; charset=utf-8')
    expect((await accept('*/*')).headers['content-type']).toBe('application/json; charset=utf-8')
    expect((await accept('application/json, text/plain')).headers['content-type']).toContain('json')
  })

  it('answers Node’s own fetch', async () => {
    const { address } = await startApi(await one())
    const response = await fetch(`http://${address}/v1/token`, { headers: { 'Projected-Token': 'true' } })
    expect(await response.json()).toMatchObject({ token: first })
  })

  it('gives a rotated token from the moment on that the watcher has it', async () => {
    const kubelet = await startKubelet()
    const { address, sidecar } = await startApi(`  - { name: app, path: '${kubelet.path}' }`)
    for (let rotation = 0; rotation < 3; rotation++) {
      const { token } = await kubelet.rotate()
      await expect
        .poll(async () => JSON.parse((await ask(address)).body).token, { timeout: 20_000 })
        .toBe(token)
    }
    expect(sidecar.lines.filter((line) => line.includes('"token rotated"'))).toHaveLength(3)
  })

  it('says 503 with the reason’s code when there is no token, and never gives an expired one', async () => {
    const clock = createFakeClock()
    const kubelet = await startKubelet({ clock, expirationSeconds: 600 })
    const yaml = `tokens: [{ name: app, path: '${kubelet.path}' }]\napi: { listen: '127.0.0.1:0' }\n${quiet}`
    const sidecar = await startFromYaml(yaml, { clock })
    const address = sidecar.addresses.api as string
    expect((await ask(address)).status).toBe(200)
    clock.setNow(FAKE_CLOCK_START_MS + 600_000)
    const answer = await ask(address)
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.body).error.code).toBe('ERR_TOKEN_EXPIRED')
    expect(answer.headers['retry-after']).toMatch(/^\d+$/)
    expect(answer.body).not.toContain(kubelet.current.token)
  })

  it('waits for the first token right after the start', async () => {
    const path = join(await temporaryDirectory(), 'token')
    const { address } = await startApi(`  - { name: app, path: '${path}' }`)
    const answer = ask(address)
    await writeFile(`${path}.new`, first)
    await rename(`${path}.new`, path)
    expect(JSON.parse((await answer).body).token).toBe(first)
  })

  it('listens on a unix socket', async () => {
    const path = join(await temporaryDirectory(), 'api.sock')
    const { address } = await startApi(await one(), `unix://${path}`)
    expect(address).toBe(`unix://${path}`)
    expect((await ask(address)).status).toBe(200)
  })
})

describe('a request for a token is refused', () => {
  const right = { 'projected-token': 'true' }
  const denied = [
    ['without the header', { 'projected-token': undefined }],
    ['with another value of it', { 'projected-token': '1' }],
    ['with the header twice', { 'projected-token': ['true', 'true'] }],
    ['through a proxy', { ...right, 'x-forwarded-for': '10.0.0.1' }],
    ['through a proxy of RFC 7239', { ...right, forwarded: 'for=10.0.0.1' }],
    ['through a proxy that names itself', { ...right, via: '1.1 proxy' }],
    ['through nginx', { ...right, 'x-real-ip': '10.0.0.1' }],
    ['with the host of the page', { ...right, 'x-forwarded-host': 'evil.example' }],
    ['by a foreign name', { ...right, host: 'evil.example' }],
    ['by a foreign name that resolves to loopback', { ...right, host: 'localhost.evil.example:PORT' }],
    ['by the right name with another port', { ...right, host: 'localhost:1' }],
    ['by the right name without a port', { ...right, host: 'localhost' }],
    ['by a name with a dot at its end', { ...right, host: 'localhost.:PORT' }],
    ['by a name with a user', { ...right, host: 'evil@localhost:PORT' }],
    ['by an empty name', { ...right, host: '' }],
    ['from a page', { ...right, origin: 'http://evil.example' }],
    ['from a sandboxed page', { ...right, origin: 'null' }],
    ['from a browser', { ...right, 'sec-fetch-site': 'same-origin' }],
    ['from a browser that says for what', { ...right, 'sec-fetch-dest': 'empty' }],
  ] as const

  it('in the same words for every reason', async () => {
    const { address } = await startApi(await one())
    const port = address.split(':')[1] ?? ''
    const bodies = new Set<string>()
    for (const [why, headers] of denied) {
      const own = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [
          name,
          typeof value === 'string' ? value.replace('PORT', port) : value,
        ]),
      )
      for (const path of ['/v1/token', '/v1/token/unknown', '/', '/v1/vault/token']) {
        const answer = await ask(address, { path, headers: own as Record<string, string> })
        expect([why, path, answer.status]).toEqual([why, path, 403])
        expect(answer.headers['cache-control']).toBe('no-store')
        bodies.add(answer.body)
      }
    }
    expect(bodies.size).toBe(1)
  })

  it.each(['localhost', '127.0.0.1', '[::1]', 'LOCALHOST'])('not by the name %s', async (name) => {
    const { address } = await startApi(await one())
    const host = `${name}:${address.split(':')[1]}`
    expect((await ask(address, { headers: { ...right, host } })).status).toBe(200)
  })

  it.each(['POST', 'PUT', 'DELETE', 'HEAD', 'PATCH'])('with %s', async (method) => {
    const { address } = await startApi(await one())
    const answer = await ask(address, { method, headers: right })
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('GET')
  })

  it('before a browser may ask across origins', async () => {
    const { address } = await startApi(await one())
    const answer = await ask(address, {
      method: 'OPTIONS',
      headers: {
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'projected-token',
      },
    })
    expect(answer.status).toBe(403)
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  it('with a body', async () => {
    const { address } = await startApi(await one())
    expect((await ask(address, { headers: right, body: '{}' })).status).toBe(400)
    const chunked = { ...right, 'transfer-encoding': 'chunked' }
    expect((await ask(address, { headers: chunked, body: 'x' })).status).toBe(400)
  })

  it('for unknown names and paths in the same words', async () => {
    const { address } = await startApi(await one())
    const paths = [
      '/',
      '/v1',
      '/v1/token/',
      '/v1/token/other',
      '/v1/token/app/',
      '/V1/token',
      '/v1/vault/token',
      '/v1/vault/token/app',
      `/v1/token/${'a'.repeat(500)}`,
      '/metrics',
    ]
    const answers = await Promise.all(paths.map((path) => ask(address, { path })))
    expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 404))
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1)
    expect(answers[0]?.body).not.toContain('app')
  })

  it('for paths that cannot be read', async () => {
    const { address } = await startApi(await one())
    expect((await ask(address, { path: '/v1/token/%zz' })).status).toBe(400)
  })

  it('on a unix socket by a foreign name, and not without one', async () => {
    const path = join(await temporaryDirectory(), 'api.sock')
    const { address } = await startApi(await one(), `unix://${path}`)
    expect((await ask(address, { headers: { ...right, host: 'localhost' } })).status).toBe(200)
    expect((await ask(address, { headers: { ...right, host: '' } })).status).toBe(200)
    expect((await ask(address, { headers: { ...right, host: 'evil.example' } })).status).toBe(403)
    expect((await ask(address, { headers: {} })).status).toBe(403)
  })

  it('with a file that holds no token', async () => {
    const path = await fileWith('two words', 'token')
    const clock = createFakeClock()
    const yaml = `tokens: [{ name: app, path: '${path}' }]\napi: { listen: '127.0.0.1:0' }\n${quiet}`
    const sidecar = await startFromYaml(yaml, { clock })
    // So long after the start a request waits for a first token.
    await clock.advance(10_000)
    const answer = await ask(sidecar.addresses.api as string)
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.body).error.code).toBe('ERR_TOKEN_MALFORMED')
    expect(answer.body).not.toContain(dirname(path))
  })
})
