import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseConfig } from '@projected-token/sidecar'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createListedProvider, startProxy, startUpstream } from './support/proxy-harness.js'
import { bodyOf, requestRaw, statusOf } from './support/proxy-raw.js'

const codeOf = (response: string) => JSON.parse(bodyOf(response)).code

describe('the Host of a request', () => {
  it.each([
    'localhost',
    'LOCALHOST:1234',
    'app.localhost',
    '127.0.0.1:80',
    '[::1]:80',
    '10.1.2.3',
    'upstream.example:8443',
    'Named.Example.',
  ])('may be %s', async (host) => {
    const upstream = await startUpstream()
    const proxy = await startProxy('http://upstream.example:1', createListedProvider(), {
      allowedHosts: ['named.example'],
    })
    const response = await requestRaw(proxy.port, 'GET / HTTP/1.1', [`Host: ${host}`])
    expect(codeOf(response)).toBe('ERR_PROXY_NO_TOKEN')
    expect(upstream.seen).toEqual([])
  })

  it.each([
    'evil.example',
    'evil.example:80',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'a@localhost',
    '',
    // They lead to loopback, and a browser does not say which page sends a GET there.
    '0.0.0.0:80',
    '0:80',
    '[::]:80',
    '[::ffff:127.0.0.1]:80',
    '[::ffff:0:0]:80',
  ])('must not be "%s"', async (host) => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    const response = await requestRaw(proxy.port, 'GET / HTTP/1.1', [`Host: ${host}`])
    expect([statusOf(response), codeOf(response)]).toEqual([403, 'ERR_PROXY_HOST'])
    expect(upstream.seen).toEqual([])
  })

  it('may be anything when all are allowed', async () => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'), { allowedHosts: ['*'] })
    const fields = ['Host: evil.example', 'Origin: http://evil.example']
    expect(statusOf(await requestRaw(proxy.port, 'GET / HTTP/1.1', fields))).toBe(200)
  })

  it('may be anything on a unix socket, where no browser comes', async () => {
    const upstream = await startUpstream()
    const directory = await mkdtemp(path.join(tmpdir(), 'proxy-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const socketPath = path.join(directory, 'proxy.sock')
    await startProxy(upstream.origin, createListedProvider('one'), { path: socketPath })
    const status = await new Promise((resolve, reject) => {
      const options = { socketPath, path: '/', headers: { host: 'whatever.example' }, agent: false as const }
      request(options, (response) => resolve(response.resume().statusCode))
        .once('error', reject)
        .end()
    })
    expect(status).toBe(200)
  })
})

describe('a web page', () => {
  it.each([
    ['of another origin', ['Origin: http://evil.example']],
    ['of another port', ['Origin: http://127.0.0.1:1']],
    ['of no origin', ['Origin: null']],
    ['that loads an image', ['Sec-Fetch-Site: cross-site']],
    ['of the same site', ['Sec-Fetch-Site: same-site', 'Origin: http://localhost:3000']],
    ['by HTTPS', ['Origin: https://127.0.0.1']],
  ])('%s is refused', async (_name, fields) => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'), {
      allowedHosts: ['other.example'],
    })
    const response = await requestRaw(proxy.port, 'POST / HTTP/1.1', fields)
    expect([statusOf(response), codeOf(response)]).toEqual([403, 'ERR_PROXY_ORIGIN'])
    expect(upstream.seen).toEqual([])
  })

  it.each([
    ['dev.example', 'dev.example:3000'],
    ['Dev_App', 'dev_app:3000'],
    ['[FD00:0::1]', '[fd00::1]:3000'],
  ])('of an allowed host passes: %s', async (allowed, origin) => {
    const upstream = await startUpstream()
    const config = parseConfig(
      `proxies: [{ listen: '127.0.0.1:0', upstream: '${upstream.origin}', token: default, allowedHosts: ['${allowed}'] }]`,
      'c.yaml',
    )
    const allowedHosts = config.proxies[0]?.allowedHosts
    const proxy = await startProxy(upstream.origin, createListedProvider('one'), { allowedHosts })
    const fields = [`Origin: http://${origin}`, 'Sec-Fetch-Site: cross-site']
    expect(statusOf(await requestRaw(proxy.port, 'GET / HTTP/1.1', fields))).toBe(200)
  })

  it('of our own origin passes, and so does a program that names the upstream', async () => {
    const upstream = await startUpstream()
    const proxy = await startProxy(upstream.origin, createListedProvider('one'))
    for (const origin of [proxy.origin, upstream.origin]) {
      const response = await requestRaw(proxy.port, 'GET / HTTP/1.1', [`Origin: ${origin}`])
      expect(statusOf(response)).toBe(200)
    }
  })
})
