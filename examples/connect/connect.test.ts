import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
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
          const token = context.requestHeader.get('authorization')?.replace(/^Bearer /, '') ?? ''
          await kubelet.verify(token).catch(() => {
            throw new ConnectError('a valid token is needed', Code.Unauthenticated)
          })
          return { value: `${request.value}, authenticated` }
        },
      } as never),
  })
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
