import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeJwt, makeOpaque, makeVaultToken } from './canary/canaries.js'
import { createDetector } from './canary/detector.js'
import { get, readCommandLines, readEnvironment, readValue } from './canary/readers.js'

const kinds = [
  ['a JWT', makeJwt()],
  ['a Vault token', makeVaultToken()],
  ['an opaque token with every character', makeOpaque()],
] as const

function detectorOf(secret: string) {
  const detector = createDetector()
  detector.hide('planted', secret)
  return detector
}

describe.each(kinds)('the detector, of %s', (_kind, secret) => {
  const detector = detectorOf(secret)

  it.each([
    ['as it is', (text: string) => text],
    ['within other text', (text: string) => `before${text}after`],
    ['in JSON', (text: string) => JSON.stringify({ text })],
    ['in JSON within JSON', (text: string) => JSON.stringify({ line: JSON.stringify({ text }) })],
    ['in a query', (text: string) => `https://a.example/?${new URLSearchParams({ text })}`],
    ['percent-encoded', (text: string) => encodeURIComponent(text)],
    [
      'percent-encoded, every byte',
      (text: string) => Buffer.from(text).toString('hex').replace(/../g, '%$&'),
    ],
    [
      'in HTML',
      (text: string) =>
        text
          .replaceAll('&', '&amp;')
          .replaceAll('<', '&lt;')
          .replaceAll('>', '&gt;')
          .replaceAll('"', '&quot;'),
    ],
    ['in base64', (text: string) => Buffer.from(text).toString('base64')],
    ['in base64, one byte on', (text: string) => Buffer.from(`x${text}y`).toString('base64')],
    ['in base64url, two bytes on', (text: string) => Buffer.from(`xy${text}z`).toString('base64url')],
    ['in Basic credentials', (text: string) => Buffer.from(`user:${text}`).toString('base64')],
    ['in hexadecimal', (text: string) => Buffer.from(text).toString('hex')],
    ['in UTF-16', (text: string) => Buffer.from(text, 'utf16le').toString('latin1')],
    ['as an inspected buffer in JSON', (text: string) => JSON.stringify(Buffer.from(text))],
  ])('sees it %s', (_how, encode) => {
    expect(detector.find(encode(secret))).not.toEqual([])
  })

  it('sees a part of it that would be enough', () => {
    const [, payload, signature] = secret.split('.')
    const isJwt = secret.startsWith('eyJ')
    const parts = isJwt
      ? [payload, signature, signature?.slice(-24)]
      : [secret.slice(Math.floor(secret.length / 2))]
    for (const part of parts) expect(detector.find(`x ${part} y`)).not.toEqual([])
  })

  it('sees nothing where there is nothing', () => {
    expect(detector.find(makeJwt() + makeVaultToken() + makeOpaque())).toEqual([])
    expect(() => detector.expectNone('an empty surface', '')).toThrow('is there')
  })
})

describe.each(kinds)('each surface, with %s planted on it', (_kind, secret) => {
  const detector = detectorOf(secret)
  const hiding = (fields: object) =>
    Object.defineProperties(
      {},
      Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, { value, enumerable: false }])),
    )

  it.each<[string, () => unknown]>([
    ['the message of an error', () => new Error(`bad: ${secret}`)],
    ['the cause of a cause', () => new Error('a', { cause: new Error('b', { cause: new Error(secret) }) })],
    ['a field of an error', () => Object.assign(new Error('a'), { data: `x${secret}` })],
    ['a buffer on an error', () => Object.assign(new Error('a'), { data: Buffer.from(secret).toJSON() })],
    ['a hidden field', () => hiding({ secret })],
    ['what toJSON gives', () => ({ toJSON: () => ({ secret }) })],
    ['what toString gives', () => ({ toString: () => secret })],
    ['a deep field', () => ({ a: { b: { c: { d: { e: { f: [[secret]] } } } } } })],
    ['a symbol', () => ({ [Symbol('s')]: secret })],
    ['a key of a map', () => new Map([[secret, 1]])],
    [
      'a getter',
      () => ({
        get secret() {
          return secret
        },
      }),
    ],
    ['a property of a function', () => Object.assign(() => {}, { secret })],
    ['an event', () => ({ token: { token: secret } })],
  ])('a value: %s', (_where, make) => {
    expect(detector.find(readValue(make()))).not.toEqual([])
  })

  it.each([
    ['a body', { body: secret }],
    ['a header', { header: encodeURIComponent(secret) }],
    [
      'a metric’s label',
      { body: `up{path="${secret.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"} 1\n` },
    ],
  ])(
    'an HTTP answer: %s',
    async (_where, { body = '', header = 'x' }: { body?: string; header?: string }) => {
      const server = createServer((_request, response) => response.setHeader('x-planted', header).end(body))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void server.close())
      const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
      expect(detector.find(await get(address, '/'))).not.toEqual([])
    },
  )

  it('a command line and an environment', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log(1)', secret], {
      env: { PLANTED: secret },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    expect(detector.find(await readCommandLines())).not.toEqual([])
    expect(detector.find(await readEnvironment(child.pid as number))).not.toEqual([])
  })
})
