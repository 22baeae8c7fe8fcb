import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startFakeKubelet } from '@projected-token/testing'
import { expect, it, onTestFinished } from 'vitest'
import { createCertificate } from '../../test/support/certificates.js'

/** The examples import the packages as users do, from what `npm run build` made before the tests. */
function start(example: string, env: Record<string, string | undefined>) {
  const program = fileURLToPath(new URL(example, import.meta.url))
  const child = spawn(process.execPath, [program], {
    // The client's TLS names its server by an address here, of which Node warns.
    env: { ...process.env, NODE_NO_WARNINGS: '1', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const lines = createInterface(child.stdout as NonNullable<ChildProcess['stdout']>)[Symbol.asyncIterator]()
  const nextLine = async () => {
    const { done, value } = await lines.next()
    if (done) throw new Error(`${example} ended`)
    return value
  }
  const stop = () => {
    child.kill('SIGTERM')
    return ended
  }
  return { nextLine, stop }
}

it('client.mjs calls server.mjs with each token that the kubelet writes', async () => {
  const kubelet = await startFakeKubelet({ audience: 'api' })
  onTestFinished(() => kubelet.close())
  const folder = await mkdtemp(path.join(os.tmpdir(), 'projected-token-example-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const { caPem, certPem, keyPem } = await createCertificate()
  const [CA_FILE, CERT_FILE, KEY_FILE] = ['ca', 'crt', 'key'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ]
  await Promise.all([writeFile(CA_FILE, caPem), writeFile(CERT_FILE, certPem), writeFile(KEY_FILE, keyPem)])

  const { issuer: ISSUER, jwksUrl: JWKS_URL } = kubelet
  const server = start('server.mjs', { ISSUER, JWKS_URL, AUDIENCE: 'api', CERT_FILE, KEY_FILE })
  const port = /^listening on (\d+)$/.exec(await server.nextLine())?.[1]
  const client = start('client.mjs', { TOKEN_PATH: kubelet.path, CA_FILE, TARGET: `127.0.0.1:${port}` })

  const tokenId = async () => (await kubelet.verify(kubelet.current.token)).jti
  for (let rotation = 0; rotation < 3; rotation++) {
    expect(await client.nextLine()).toMatch(
      new RegExp(`^system:serviceaccount:.* with token ${await tokenId()}$`),
    )
    await kubelet.rotate()
  }
  expect(await client.stop()).toBe(0)
  expect(await server.stop()).toBe(0)
})
