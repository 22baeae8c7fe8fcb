import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startFakeKubelet } from '@projected-token/testing'
import { expect, it, onTestFinished } from 'vitest'

/** The examples import the packages as users do, from what `npm run build` made before the tests. */
it.each([
  ['global-dispatcher.mjs', '200'],
  ['fetch.mjs', '200 {"hello":"world"}'],
])('%s sends the token in the file', async (example, output) => {
  const kubelet = await startFakeKubelet({ audience: 'api' })
  onTestFinished(() => kubelet.close())
  const server = createServer(async (request, response) => {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    response.statusCode = await kubelet.verify(token).then(
      () => 200,
      () => 401,
    )
    request.pipe(response)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/things`
  const program = fileURLToPath(new URL(example, import.meta.url))
  const env = { ...process.env, TOKEN_PATH: kubelet.path, URL: url }
  const { stdout } = await promisify(execFile)(process.execPath, [program], { env })
  expect(stdout.trim()).toBe(output)
})
