import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type FakeKubelet, startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startSidecar, temporaryDirectory, withoutOwnVariables } from './support/start-sidecar.js'

/** Programs are started, and may wait for each other; on a busy machine that takes long. */
const programTimeoutMs = 60_000
const testTimeoutMs = 150_000

const isInstalled = (command: string) => spawnSync(command, ['--version']).status === 0
const clients = [
  { file: 'token.sh', command: 'sh', needs: 'curl' },
  { file: 'token.py', command: 'python3', needs: 'python3' },
].map((client) => ({ ...client, missing: !isInstalled(client.needs) }))

describe.each(clients)('clients/$file', ({ file, command, needs, missing }) => {
  const program = fileURLToPath(new URL(`clients/${file}`, import.meta.url))
  // `skipIf` would not say why.
  const itNeeds = (sentence: string, test: () => Promise<void>) =>
    it(sentence, { timeout: testTimeoutMs }, (context) =>
      missing ? context.skip(`${needs} is not installed`) : test(),
    )

  const ask = async (api: string | undefined, ...args: string[]) => {
    const env = { ...withoutOwnVariables(), ...(api ? { PROJECTED_TOKEN_API: api } : {}) }
    const { stdout } = await promisify(execFile)(command, [program, ...args], {
      env,
      timeout: programTimeoutMs,
    })
    return stdout.trim()
  }

  itNeeds('prints the current token from a Unix socket, and the next one after a rotation', async () => {
    const kubelet = await startKubelet()
    const api = `unix://${join(await temporaryDirectory(), 'api.sock')}`
    await startSidecar(configuration(kubelet, api))
    expect(await ask(api)).toBe(kubelet.current.token)
    await kubelet.rotate()
    await expect
      .poll(() => ask(api, 'v1/token/vault-token'), { timeout: programTimeoutMs })
      .toBe(kubelet.current.token)
  })

  itNeeds('prints the current token from a port of loopback', async () => {
    const kubelet = await startKubelet()
    const { api } = await startSidecar(configuration(kubelet, '127.0.0.1:0'))
    expect(await ask(api, 'v1/token/vault-token')).toBe(kubelet.current.token)
  })

  itNeeds('waits for a sidecar that comes later', async () => {
    const kubelet = await startKubelet()
    const api = `unix://${join(await temporaryDirectory(), 'api.sock')}`
    const asked = ask(api)
    await startSidecar(configuration(kubelet, api))
    expect(await asked).toBe(kubelet.current.token)
  })

  itNeeds('fails, and prints nothing, when there is no such token', async () => {
    const kubelet = await startKubelet()
    const { api } = await startSidecar(configuration(kubelet, '127.0.0.1:0'))
    const failure = await promisify(execFile)(command, [program, 'v1/token/other'], {
      env: { ...withoutOwnVariables(), PROJECTED_TOKEN_API: api, RETRIES: '0' },
      timeout: programTimeoutMs,
    }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ stdout: '', stderr: expect.stringContaining('404') })
  })
})

async function startKubelet() {
  const kubelet = await startFakeKubelet({ fileName: 'vault-token', audience: 'vault' })
  onTestFinished(() => kubelet.close())
  return kubelet
}

const configuration = ({ path }: FakeKubelet, api: string) =>
  JSON.stringify({
    tokens: [{ name: 'vault-token', path, audience: 'vault' }],
    api: { listen: api },
    health: { listen: 'off' },
  })
