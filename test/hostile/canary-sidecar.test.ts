import { readFile, writeFile } from 'node:fs/promises'
import { get as httpGet } from 'node:http'
import { join } from 'node:path'
import { createLog, type LogLevel, parseConfig, startSidecar } from '@projected-token/sidecar'
import { startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeJwt, makeOpaque, makeVaultToken } from './canary/canaries.js'
import { createCollector } from './canary/collector.js'
import { makeDirectory, run, start, useProgram } from './canary/programs.js'
import { get, readCommandLines, readHttp } from './canary/readers.js'
import { quotes, startVaultServer } from './canary/vault-server.js'

const LONG = { timeout: 300_000 }
const program = useProgram('sidecar')

/** A sidecar's surroundings: tokens good, bad and opaque, a Vault, and an upstream that quotes what it is sent. */
async function setUp() {
  const seen = createCollector()
  const kubelet = await startFakeKubelet({ algorithm: 'ES256', autoRotate: false, serve: false })
  onTestFinished(() => kubelet.close())
  seen.hide('the first token', kubelet.current.token)
  const vault = await startVaultServer(seen.hide)
  const upstream = await startVaultServer(() => {})
  upstream.answer = (_seen, response) => response.socket?.destroy()
  const directory = await makeDirectory()
  const at = (name: string) => join(directory, name)
  await writeFile(at('opaque'), seen.hide('an opaque token', makeOpaque()))
  await writeFile(at('bad'), `${seen.hide('a bad file', makeJwt())} ${seen.hide('a bad file', makeOpaque())}`)
  const hook = `tr '\\0' '\\n' < /proc/self/environ > ${at('seen')}.tmp; mv ${at('seen')}.tmp ${at('seen')}; cat ${at('sink')}; exit 3`
  const yaml = (level: LogLevel) => `
tokens:
  - { name: api, path: ${kubelet.path} }
  - { name: opaque, path: ${at('opaque')} }
  - { name: bad, path: ${at('bad')} }
vaultTokens: [{ name: app, jwt: api, role: app, address: '${vault.address}' }]
api: { listen: '127.0.0.1:0' }
health: { listen: '127.0.0.1:0' }
status: { listen: '127.0.0.1:0' }
logLevel: ${level}
shutdownTimeout: 5s
proxies:
  - { listen: '127.0.0.1:0', upstream: '${upstream.address}', token: api }
  - { listen: '127.0.0.1:0', upstream: '${upstream.address}', vaultToken: app }
  - { listen: '127.0.0.1:0', upstream: '${upstream.address}', token: bad }
sinks:
  - { path: ${at('sink')}, token: opaque, onChange: { command: [/bin/sh, -c, ${JSON.stringify(hook)}] } }
  - { path: ${at('nowhere/sink')}, vaultToken: app }
`
  return { seen, kubelet, vault, at, yaml }
}

/** The page's stream of events, as far as a first report. */
function readStream(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const [host, port] = address.split(':')
    httpGet({ host, port, path: '/events', agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
        if (!text.includes('"events"')) return
        resolve(text)
        response.destroy()
      })
      response.on('error', () => {})
    }).once('error', reject)
  })
}

interface Addresses {
  readonly api: string
  readonly proxies: readonly string[]
  readonly health: string
  readonly status: string
}

/** Everything that it answers, but for the two answers that are there to hold a token. */
async function readAnswers(
  { api, proxies, health, status }: Addresses,
  text: (what: string, answer: string) => void,
) {
  const marked = 'Projected-Token: true'
  for (const path of ['/healthz', '/readyz', '/metrics', '/status', '/nothing'])
    text(`health ${path}`, await get(health, path))
  for (const path of ['/', '/app.js', '/style.css', '/status', '/nothing'])
    text(`status ${path}`, await get(status, path))
  text('status /events', await readStream(status))
  for (const [path, ...fields] of [
    ['/v1/token'],
    ['/v1/token', marked, 'Origin: http://a.example'],
    ['/v1/token', marked, 'Via: 1.1 a'],
    ['/v1/token/bad', marked],
    ['/v1/token/none', marked],
    ['/v1/vault/token/none', marked],
  ] as [string, ...string[]][]) {
    text(`api ${path} ${fields}`, await get(api, path, ...fields))
  }
  text(
    'api, HEAD',
    await readHttp(api, `HEAD /v1/token HTTP/1.1\r\nHost: ${api}\r\n${marked}\r\nConnection: close\r\n\r\n`),
  )
  text('api, no HTTP', await readHttp(api, `${marked}\r\n\r\n`))
  for (const address of proxies) {
    text('proxy', await get(address, '/v1/things'))
    text('proxy, refused', await get(address, '//v1/things'))
  }
}

describe('the sidecar shows no token', () => {
  it.each(['trace', 'debug', 'info', 'error'] as const)(
    'in what it answers and logs at the level %s',
    LONG,
    async (level) => {
      const { seen, kubelet, vault, at, yaml } = await setUp()
      const lines: string[] = []
      const log = createLog({ level, write: (line) => void lines.push(line) })
      const sidecar = await startSidecar(parseConfig(yaml(level), 'sidecar.yaml'), { log })
      onTestFinished(async () => void (await sidecar.close()))
      const addresses = sidecar.addresses as unknown as Addresses
      await expect
        .poll(() => get(addresses.health, '/metrics'), { timeout: 100_000 })
        .toMatch(/vault[^\n]*\} [1-9]/)
      await expect
        .poll(() => readFile(at('seen'), 'utf8').catch(() => ''), { timeout: 100_000 })
        .toContain('PATH=')
      await readAnswers(addresses, seen.text)
      // The two answers that hold a token do: the test would have seen it in the others.
      const token = await get(addresses.api, '/v1/token', 'Projected-Token: true')
      const vaultToken = await get(addresses.api, '/v1/vault/token', 'Projected-Token: true')
      for (const answer of [token, vaultToken]) expect(seen.detector.find(answer)).not.toEqual([])
      vault.answer = quotes(500)
      await kubelet.writeRaw(seen.hide('what lay there', `${makeJwt()}!`))
      seen.hide('the second token', (await kubelet.rotate()).token)
      await expect
        .poll(() => get(addresses.health, '/metrics'), { timeout: 100_000 })
        .toMatch(/rotations?_total\{[^}]*api[^}]*\} [1-9]/)
      await readAnswers(addresses, seen.text)
      log.logger.error(
        { token: kubelet.current.token, err: new Error(kubelet.current.token) },
        kubelet.current.token,
      )
      seen.text('the environment of a hook', await readFile(at('seen'), 'utf8'))
      await sidecar.close()
      expect(lines.length).toBeGreaterThan(0)
      seen.text('the log', lines.join(''))
      seen.value('a sidecar', sidecar)
      expect(seen.judge()).toBeGreaterThan(40)
    },
  )

  it('in its process: arguments, environment of its commands, output', LONG, async () => {
    const { seen, kubelet, at, yaml } = await setUp()
    await writeFile(at('sidecar.yaml'), yaml('trace'))
    const env = {
      VAULT_TOKEN: seen.hide('an inherited token', makeVaultToken()),
      SOME_JWT: seen.hide('an inherited JWT', makeJwt()),
      SAME: await readFile(at('opaque'), 'utf8'),
    }
    const sidecar = start(program.path, ['--config', at('sidecar.yaml')], env)
    await sidecar.toWrite('"started"')
    await expect
      .poll(() => readFile(at('seen'), 'utf8').catch(() => ''), { timeout: 200_000 })
      .toContain('PATH=')
    seen.text('the environment of a hook', await readFile(at('seen'), 'utf8'))
    seen.text('the command lines', await readCommandLines())
    seen.hide('the second token', (await kubelet.rotate()).token)
    await sidecar.toWrite('token rotated')
    sidecar.child.kill('SIGTERM')
    await sidecar.end
    seen.text('the output', sidecar.output())
    expect(seen.judge()).toBe(3)
  })

  it('in errors about a configuration that holds some', LONG, async () => {
    const seen = createCollector()
    const jwt = seen.hide('a JWT in the wrong place', makeJwt())
    const token = seen.hide('a Vault token in the wrong place', makeVaultToken())
    const configurations = [
      `tokens: [{ name: ${jwt}, path: /a }]`,
      `tokens: [{ name: a, path: ${jwt} }]`,
      `${token}: 1`,
      `logLevel: ${token}`,
      `proxies: [{ listen: '127.0.0.1:1', upstream: 'https://a:${token}@b', token: default }]`,
      `proxies: [{ listen: ${jwt}, upstream: ${token}, header: ${jwt}, scheme: ${token}, token: ${jwt} }]`,
      `a: *${jwt}`,
      `"${token}`,
      `? ${jwt}\n:${token}`,
    ]
    for (const text of configurations)
      seen.thrown('an error of a configuration', () => parseConfig(text, 'sidecar.yaml'))
    const flags = [
      ['--token', jwt],
      ['--log-level', token],
      ['--api', jwt],
      ['--config', token],
      [jwt],
      [`--${token}`],
      ['--proxy', `${jwt}=${token}`],
    ]
    for (const one of flags) {
      const { exitCode, output } = await run(program.path, [...one, '--check'])
      expect(exitCode).toBe(2)
      seen.text('an error of a flag', output)
    }
    const { output } = await run(program.path, ['--check', '--json'], {
      PROJECTED_TOKEN_STATUS: jwt,
      PROJECTED_TOKEN_VAULT: token,
    })
    seen.text('an error of a variable', output)
    expect(seen.judge()).toBe(configurations.length + flags.length + 1)
  })
})
