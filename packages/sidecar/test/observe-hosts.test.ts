import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { isForeignFetch, isTrustedHost } from '../src/observe/host-rule.js'
import { ask } from './support/observe-http.js'
import { type ObserveScene, observe } from './support/observe-scene.js'

let scene: ObserveScene | undefined
afterEach(() => scene?.close())

describe('the status page against DNS rebinding', () => {
  test.each([
    '127.0.0.1',
    '127.0.0.1:8090',
    '10.1.2.3',
    '[::1]:8090',
    '[fd00::1]',
    'localhost',
    'LOCALHOST:8090',
    'localhost.',
  ])('trusts %s, which nobody can rebind', (host) => {
    expect(isTrustedHost(host, [])).toBe(true)
  })

  test.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.localhost',
    'localhost@evil.example',
    'evil.example#localhost',
    'evil.example/127.0.0.1',
    '127.0.0.1 evil.example',
    '127.0.0.1,evil.example',
    'localhost:99999999',
    '[::1',
    '0.0.0.0:8090',
    '[::]:8090',
    '[::ffff:127.0.0.1]:8090',
  ])('refuses %s', (host) => {
    expect(isTrustedHost(host, [])).toBe(false)
  })

  test('trusts a configured name with any port, and no other', () => {
    expect(isTrustedHost('Status.Example:8443', ['status.example'])).toBe(true)
    expect(isTrustedHost('a.status.example', ['status.example'])).toBe(false)
    expect(isTrustedHost('status.example.evil.example', ['status.example'])).toBe(false)
  })

  test('trusts all names where all are allowed', () => {
    expect(isTrustedHost('evil.example', ['*'])).toBe(true)
    expect(isTrustedHost(undefined, ['status.example', '*'])).toBe(true)
  })

  test('trusts no domain name, whatever it looks like', () => {
    const domain = fc.domain().filter((name) => name !== 'localhost')
    fc.assert(fc.property(domain, (name) => !isTrustedHost(name, []) && !isTrustedHost(`${name}:80`, [])))
  })

  test('never throws', () => {
    fc.assert(fc.property(fc.string(), (host) => typeof isTrustedHost(host, [host]) === 'boolean'))
  })

  test('refuses every path to a foreign Host, with a constant answer', async () => {
    scene = await observe([])
    for (const path of ['/', '/app.js', '/style.css', '/icon.svg', '/status', '/events', '/nothing']) {
      const answer = await ask(scene.statusUrl, { path, headers: { host: 'evil.example' } })
      expect(answer).toMatchObject({ status: 421, body: '{"error":"this Host is not allowed"}' })
    }
    expect((await ask(scene.statusUrl, { headers: { host: 'localhost:1' } })).status).toBe(200)
  })

  test('lets the configured name in', async () => {
    scene = await observe([], { allowedHosts: ['status.example'] })
    expect((await ask(scene.statusUrl, { headers: { host: 'status.example' } })).status).toBe(200)
  })
})

describe('the status page against pages of other sites', () => {
  test('refuses what another site’s page fetches, not a link from there', () => {
    expect(isForeignFetch('cross-site', 'cors')).toBe(true)
    expect(isForeignFetch('same-site', 'no-cors')).toBe(true)
    expect(isForeignFetch('cross-site', 'navigate')).toBe(false)
    expect(isForeignFetch('same-origin', 'cors')).toBe(false)
    expect(isForeignFetch('none', 'navigate')).toBe(false)
    expect(isForeignFetch(undefined, undefined)).toBe(false)
  })

  test('a stream does not begin for one', async () => {
    scene = await observe([])
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }
    expect((await ask(scene.statusUrl, { path: '/events', headers })).status).toBe(403)
  })
})
