import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { credentials } from '@grpc/grpc-js'
import {
  createToken,
  createTokenWatcher,
  parseToken,
  type Token,
  type TokenProvider,
} from '@projected-token/core'
import { replaceFile } from '@projected-token/core/sink'
import { createAuthFetch } from '@projected-token/fetch'
import { createTokenInterceptor } from '@projected-token/fetch/undici'
import { createCallCredentials, createChannelCredentials } from '@projected-token/grpc'
import { startFakeKubelet } from '@projected-token/testing'
import { Agent, request } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeJwt, makeOpaque } from './canary/canaries.js'
import { createCollector } from './canary/collector.js'

const EVENTS = ['rotated', 'failed', 'recovered', 'overdue', 'expired', 'watch']
const past = Math.floor(Date.now() / 1_000) - 7_200

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'projected-token-canary-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

async function startServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What a file may hold, by the error that it causes; each content is a secret. */
const contents: [code: string, content: string][] = [
  ['ERR_TOKEN_EXPIRED', makeJwt({ iat: past, nbf: past, exp: past + 3_600 })],
  ['ERR_TOKEN_AUDIENCE', makeJwt({ aud: ['other'] })],
  ['ERR_TOKEN_ISSUER', makeJwt({ iss: 'https://other.example' })],
  ['ERR_TOKEN_SUBJECT', makeJwt({ sub: 'system:serviceaccount:ns:other' })],
  ['ERR_TOKEN_MALFORMED', `${makeJwt()} ${makeJwt()}`],
  ['ERR_TOKEN_MALFORMED', makeJwt().replace('.', '\0')],
  ['ERR_TOKEN_MALFORMED', makeJwt().replace('.', '.!')],
  ['ERR_TOKEN_MALFORMED', makeJwt({ exp: 'soon' })],
  ['ERR_TOKEN_MALFORMED', makeJwt({ aud: [{}] })],
  ['ERR_TOKEN_MALFORMED', `\u00e9${makeOpaque()}`],
  ['ERR_TOKEN_AUDIENCE', makeOpaque()],
  ['ERR_TOKEN_TOO_LARGE', makeJwt({ pad: 'x'.repeat(20_000) })],
]

/** Whole, and each of its tokens. */
const secretsIn = (content: string) =>
  [content, ...content.split(/[^\x21-\x7e]+/)].filter((one) => one.length > 40)

describe('core shows no token', () => {
  it.each(contents)('in an error, event or status of a watcher: %s', async (code, content) => {
    const seen = createCollector()
    for (const one of secretsIn(content)) seen.hide(code, one)
    const good = seen.hide('a good token', makeJwt())
    const path = join(await makeDirectory(), 'token')
    await writeFile(path, content)
    const expected = { issuer: 'https://issuer.example', subject: 'system:serviceaccount:ns:app' }
    const watcher = createTokenWatcher({
      path,
      audience: 'vault',
      ...expected,
      startupTimeoutMs: 0,
      maxTokenBytes: 10_000,
    })
    onTestFinished(() => watcher.close())
    seen.events('a watcher’s event', watcher, EVENTS)
    await seen.rejection('an error', watcher.getToken())
    expect(watcher.status().lastFailure?.code).toBe(code)
    seen.value('the status of a watcher without a token', watcher.status())
    await writeFile(path, good)
    await watcher.reload()
    await writeFile(path, content)
    await watcher.reload()
    const token = await watcher.getToken()
    seen.value('a token', token)
    seen.value('a watcher', watcher)
    seen.value('the status of a watcher', watcher.status())
    await watcher.close()
    await seen.rejection('an error after the end', watcher.getToken())
    seen.value('the status after the end', watcher.status())
    expect(seen.names()).toEqual(
      expect.arrayContaining(['a watcher’s event: failed', 'a watcher’s event: recovered']),
    )
    expect(seen.judge()).toBeGreaterThan(8)
  })

  it('in the events of a rotation, nor of a listener that throws', async () => {
    const seen = createCollector()
    const kubelet = await startFakeKubelet({ algorithm: 'ES256', autoRotate: false, serve: false })
    onTestFinished(() => kubelet.close())
    seen.hide('the first token', kubelet.current.token)
    const watcher = createTokenWatcher({ path: kubelet.path })
    onTestFinished(() => watcher.close())
    seen.events('a watcher’s event', watcher, EVENTS)
    const warned = new Promise((resolve) => process.once('warning', resolve))
    watcher.on('rotated', ({ token }) => {
      throw Object.assign(new Error('a listener of somebody else'), { of: token })
    })
    await watcher.getToken()
    seen.hide('the second token', (await kubelet.rotate()).token)
    await watcher.reload()
    await warned
    expect(seen.names()).toContain('a watcher’s event: rotated')
    expect(seen.judge()).toBeGreaterThan(1)
  })

  it('in errors of its parser and of createToken', () => {
    const seen = createCollector()
    for (const [code, content] of contents) {
      for (const one of secretsIn(content)) seen.hide(code, one)
      if (code === 'ERR_TOKEN_MALFORMED') seen.thrown('an error of parseToken', () => parseToken(content))
      const bad = seen.hide('a bad token', `${content} \n`)
      seen.thrown('an error of createToken', () => createToken({ token: bad, loadedAtMs: 0 }))
      seen.thrown('an error of createToken', () =>
        createToken({ token: content.trim(), loadedAtMs: Number.NaN }),
      )
    }
    expect(seen.judge()).toBeGreaterThan(20)
  })

  it('in errors of a sink', async () => {
    const seen = createCollector()
    const token = createToken({ token: seen.hide('a token', makeJwt()), loadedAtMs: 0 })
    const directory = await makeDirectory()
    await mkdir(join(directory, 'taken'))
    for (const path of [join(directory, 'none/token'), join(directory, 'taken')]) {
      await seen.rejection('an error of a sink', replaceFile(path, token.token, { mode: 0o600 }))
    }
    expect(seen.judge()).toBe(2)
  })
})

describe('what sends a token shows none', () => {
  const holding = (token: string): TokenProvider => {
    const held = createToken({ token, loadedAtMs: 0 })
    return { current: held, getToken: async () => held, invalidate: () => {} }
  }
  const breaking: RequestListener = (_request, response) => response.socket?.destroy()
  const redirecting: RequestListener = (_request, response) =>
    response.writeHead(307, { location: 'ftp://user:pass@a.example/' }).end()

  it.each([
    ['a JWT', makeJwt()],
    ['an opaque token', makeOpaque()],
  ])('by fetch or undici, whatever becomes of the request: %s', async (_kind, secret) => {
    const seen = createCollector()
    const provider = holding(seen.hide('a token', secret))
    const broken = await startServer(breaking)
    const elsewhere = await startServer(redirecting)
    const origins = [broken, elsewhere, 'http://127.0.0.1:1']
    const send = createAuthFetch(provider, { origins })
    seen.value('an auth fetch', send)
    for (const origin of origins) await seen.rejection('an error of fetch', send(origin))
    await seen.rejection('an error of fetch', send(broken, { signal: AbortSignal.abort() }))
    const agent = new Agent()
    onTestFinished(() => agent.destroy())
    const interceptor = createTokenInterceptor(provider, { origins })
    const dispatcher = agent.compose(interceptor)
    seen.value('an interceptor', interceptor)
    seen.value('a dispatcher', dispatcher)
    for (const origin of [broken, 'http://127.0.0.1:1']) {
      await seen.rejection('an error of undici', request(origin, { dispatcher }))
    }
    seen.value('a dispatcher after requests', dispatcher)
    seen.thrown('an error of an option', () => createAuthFetch(provider, { origins: [secret] }))
    seen.thrown('an error of an option', () => createAuthFetch(provider, { origins, scheme: `${secret}\n` }))
    expect(seen.judge()).toBeGreaterThan(9)
  })

  it.each([['\r\nX-Evil: 1'], ['\0'], ['\u00e9'], [' ']])(
    'when a provider gives what cannot be sent: %j',
    async (tail) => {
      const seen = createCollector()
      const bad = {
        token: seen.hide('a bad token', makeJwt()) + tail,
        loadedAtMs: 0,
        expiresAtMs: undefined,
      } as Token
      const provider: TokenProvider = { current: bad, getToken: async () => bad, invalidate: () => {} }
      const origin = await startServer((_request, response) => response.end())
      await seen.rejection('an error of fetch', createAuthFetch(provider, { origins: [origin] })(origin))
      const agent = new Agent()
      onTestFinished(() => agent.destroy())
      const dispatcher = agent.compose(createTokenInterceptor(provider, { origins: [origin] }))
      await seen.rejection('an error of undici', request(origin, { dispatcher }))
      const info = { method_name: 'm', service_url: 'https://s' }
      await seen.rejection('an error of gRPC', createCallCredentials(provider).generateMetadata(info))
      expect(seen.judge()).toBe(3)
    },
  )

  it('by gRPC: credentials', async () => {
    const seen = createCollector()
    const provider = holding(seen.hide('a token', makeJwt()))
    const call = createCallCredentials(provider, { requireTransportSecurity: false })
    const channel = createChannelCredentials(provider, credentials.createSsl())
    await call.generateMetadata({ method_name: 'm', service_url: 'https://s' })
    seen.value('call credentials', call)
    seen.value('channel credentials', channel)
    seen.thrown('a refusal of plaintext', () =>
      createChannelCredentials(provider, credentials.createInsecure()),
    )
    expect(seen.judge()).toBe(3)
  })
})
