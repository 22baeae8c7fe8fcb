import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Code, ConnectError, type ConnectRouter, createClient } from '@connectrpc/connect'
import { connectNodeAdapter, createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node'
import { createToken, type Token, type TokenProvider } from '@projected-token/core'
import { type FakeKubelet, startFakeKubelet } from '@projected-token/testing'
import { expect, it, onTestFinished } from 'vitest'
import { createCertificate } from '../../test/support/certificates.js'

/** A Connect server over TLS that answers callers with a token of the kubelet, and says that it was one. */
async function startServer(kubelet: FakeKubelet) {
  const example: { Echo: Parameters<ConnectRouter['service']>[0] } = await import(
    new URL('echo-service.mjs', import.meta.url).href
  )
  const handler = connectNodeAdapter({
    routes: (router) =>
      router.service(example.Echo, {
        async say(request: { value: string }, context: { requestHeader: Headers }) {
          await authenticate(context.requestHeader)
          return { value: `${request.value}, authenticated` }
        },
        async *repeat(request: { value: string }, context: { requestHeader: Headers }) {
          yield { value: request.value }
          await authenticate(context.requestHeader)
        },
      } as never),
  })
  async function authenticate(headers: Headers) {
    const token = headers.get('authorization')?.replace(/^Bearer /, '') ?? ''
    await kubelet.verify(token).catch(() => {
      throw new ConnectError('a valid token is needed', Code.Unauthenticated)
    })
  }
  const { caPem, certPem, keyPem } = await createCertificate()
  const server = createSecureServer({ cert: certPem, key: keyPem }, handler).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return { caPem, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** The examples import the packages as users do, from what `npm run build` made before the tests. */
it('connect.mjs sends the token in the file', async () => {
  const kubelet = await startFakeKubelet({ audience: 'api' })
  onTestFinished(() => kubelet.close())
  const { caPem, url } = await startServer(kubelet)
  const folder = await mkdtemp(path.join(os.tmpdir(), 'projected-token-example-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const CA_FILE = path.join(folder, 'ca.crt')
  await writeFile(CA_FILE, caPem)
  const program = fileURLToPath(new URL('connect.mjs', import.meta.url))
  const env = { ...process.env, TOKEN_PATH: kubelet.path, CA_FILE, URL: url }
  const { stdout } = await promisify(execFile)(process.execPath, [program], { env })
  expect(stdout.trim()).toBe('hello, authenticated')
})

it('the interceptor reports a token that a call or a stream is refused for', async () => {
  const kubelet = await startFakeKubelet({ audience: 'api' })
  onTestFinished(() => kubelet.close())
  const { caPem, url } = await startServer(kubelet)
  const reported: Token[] = []
  const refused = createToken({ token: 'refused', loadedAtMs: 0 })
  const provider: TokenProvider = {
    getToken: async () => refused,
    invalidate: (token) => void reported.push(token),
  }
  const example = await import(new URL('token-interceptor.mjs', import.meta.url).href)
  const { Echo } = await import(new URL('echo-service.mjs', import.meta.url).href)
  const sessionManager = new Http2SessionManager(url, undefined, { ca: caPem })
  onTestFinished(() => sessionManager.abort())
  const interceptors = [example.createTokenInterceptor(provider, [url])]
  const client = createClient(
    Echo,
    createConnectTransport({ baseUrl: url, httpVersion: '2', sessionManager, interceptors }),
  ) as unknown as {
    say(request: object): Promise<object>
    repeat(request: object): AsyncIterable<{ value: string }>
  }
  await expect(client.say({ value: 'hello' })).rejects.toThrow('a valid token is needed')
  expect(reported).toEqual([refused])
  const seen: string[] = []
  const read = async () => {
    for await (const { value } of client.repeat({ value: 'hello' })) seen.push(value)
  }
  await expect(read()).rejects.toThrow('a valid token is needed')
  expect(seen).toEqual(['hello'])
  expect(reported).toEqual([refused, refused])
})
