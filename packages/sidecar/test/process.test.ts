import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Child, startChild, useBuiltSidecar } from './support/built-sidecar.js'
import { fileWith, temporaryDirectory, tokenFile } from './support/files.js'
import { ask } from './support/requests.js'
import { leaveStaleSocket } from './support/stale-socket.js'

// Each test starts processes, which take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const bin = useBuiltSidecar()
const sidecar = (args: string[], env?: Record<string, string>) => startChild([bin.path, ...args], env)
const OFF = ['--api', 'off', '--health', 'off']

interface Addresses {
  readonly api: string
  readonly proxies: readonly string[]
  readonly health: string
}
const addressesOf = async (child: Child) => (await child.logLine('started')).addresses as Addresses

describe('the process', () => {
  it('runs without any listener until SIGTERM, and ends with 0', async () => {
    const child = sidecar(['--token', `default=${await tokenFile()}`, ...OFF])
    await child.logLine('started')
    child.process.kill('SIGTERM')
    expect(await child.end).toBe(0)
    expect(child.stderr()).toBe('')
    expect(await child.logLine('stopping')).toMatchObject({ signal: 'SIGTERM', level: 'info' })
  })

  it('ends with 0 on SIGINT', async () => {
    const child = sidecar(['--token', `default=${await tokenFile()}`, ...OFF])
    await child.logLine('started')
    child.process.kill('SIGINT')
    expect(await child.end).toBe(0)
  })

  it('goes on after SIGHUP, and says that it does nothing', async () => {
    const child = sidecar(['--token', `default=${await tokenFile()}`, ...OFF])
    await child.logLine('started')
    child.process.kill('SIGHUP')
    await child.logLine('ignored: to change the configuration, restart')
    child.process.kill('SIGTERM')
    expect(await child.end).toBe(0)
  })

  it('ends with 1 when a listener cannot start', async () => {
    const path = await fileWith('no socket')
    const child = sidecar([
      '--token',
      `default=${await tokenFile()}`,
      '--api',
      `unix://${path}`,
      '--health',
      'off',
    ])
    expect(await child.end).toBe(1)
    expect(JSON.stringify(await child.logLine('cannot run'))).toContain('a file that is no socket')
  })

  it('ends with 2 when the authorities of a proxy cannot be read, and says so in one line', async () => {
    const proxy = '127.0.0.1:0=https://api.example,caCert=/nonexistent/ca.pem'
    const child = sidecar(['--token', `default=${await tokenFile()}`, ...OFF, '--proxy', proxy])
    expect(await child.end).toBe(2)
    expect(child.stderr()).toBe(
      "configuration: proxies[0].caCert: found no file at '/nonexistent/ca.pem', expected a file of authorities that can be read\n",
    )
    expect(child.stdout()).toBe('')
  })

  it('starts again over the socket of a killed one', async () => {
    const path = join(await temporaryDirectory(), 'api.sock')
    await leaveStaleSocket(path)
    const child = sidecar([
      '--token',
      `default=${await tokenFile()}`,
      '--api',
      `unix://${path}`,
      '--health',
      'off',
    ])
    expect((await ask((await addressesOf(child)).api)).status).toBe(200)
  })

  it('cuts a request that does not finish in time, and ends with 1', async () => {
    const { child, asked } = await startWithSlowUpstream(['--shutdown-timeout', '200ms'])
    await asked
    child.process.kill('SIGTERM')
    expect(await child.end).toBe(1)
    await child.logLine('stopped, but not all had ended: time was over')
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends at once on a second %s', async (signal, exitCode) => {
    const { child, asked } = await startWithSlowUpstream([])
    await asked
    child.process.kill('SIGTERM')
    await child.logLine('stopping')
    // Signals that come right after the first count as the same.
    const again = setInterval(() => child.process.kill(signal), 200)
    onTestFinished(() => clearInterval(again))
    expect(await child.end).toBe(exitCode)
  })

  it('survives a reader of its log that goes away', async () => {
    const path = join(await temporaryDirectory(), 'api.sock')
    const child = sidecar([
      '--token',
      `default=${await tokenFile()}`,
      '--api',
      `unix://${path}`,
      '--health',
      'off',
    ])
    const { api } = await addressesOf(child)
    child.process.stdout.destroy()
    for (let request = 0; request < 3; request++) {
      expect((await ask(api, { headers: {} })).status).toBe(403)
    }
    expect((await ask(api)).status).toBe(200)
    child.process.kill('SIGTERM')
    expect(await child.end).toBe(0)
  })

  it('tells a bug in its log, and ends with 70', async () => {
    const path = await fileWith(
      "process.on('SIGUSR2', () => { throw new Error('boom eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln') })",
      'bug.cjs',
    )
    const args = [bin.path, '--token', `default=${await tokenFile()}`, ...OFF]
    const child = startChild(args, {}, ['--require', path])
    await child.logLine('started')
    child.process.kill('SIGUSR2')
    expect(await child.end).toBe(70)
    expect(await child.logLine('ended by a bug')).toMatchObject({
      level: 'fatal',
      err: { message: 'boom [JWT]' },
    })
    expect(child.stderr()).toBe('')
  })
})

describe('a command that does not end', () => {
  const startWithHook = async (more: string) => {
    const directory = await temporaryDirectory()
    const pidFile = join(directory, 'pid')
    const script = `trap "" TERM; echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; while :; do sleep 1; done`
    const yaml = `
tokens: [{ name: app, path: '${await tokenFile()}' }]
api: { listen: off }
health: { listen: off }
sinks: [{ token: app, path: '${directory}/token', onChange: { command: [/bin/sh, -c, '${script}'] } }]
${more}`
    const child = sidecar(['--config', await fileWith(yaml, 'sidecar.yaml')])
    const read = () => readFile(pidFile, 'utf8').catch(() => '')
    await expect.poll(read, { timeout: 25_000 }).not.toBe('')
    const pid = Number(await read())
    onTestFinished(() => {
      if (isRunning(pid)) process.kill(pid, 'SIGKILL')
    })
    return { child, pid }
  }
  const isRunning = (pid: number) => {
    try {
      // Of a process that has ended and is waited for by nobody yet, the directory is there still.
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
    } catch {
      return false
    }
  }

  it('does not outlive a stop that is shorter than its grace', async () => {
    const { child, pid } = await startWithHook('shutdownTimeout: 200ms')
    child.process.kill('SIGTERM')
    expect(await child.end).toBe(1)
    await expect.poll(() => isRunning(pid), { timeout: 25_000 }).toBe(false)
  })

  it('does not outlive a second signal', async () => {
    const { child, pid } = await startWithHook('shutdownTimeout: 1h')
    child.process.kill('SIGTERM')
    await child.logLine('stopping')
    const again = setInterval(() => child.process.kill('SIGTERM'), 200)
    onTestFinished(() => clearInterval(again))
    expect(await child.end).toBe(143)
    await expect.poll(() => isRunning(pid), { timeout: 25_000 }).toBe(false)
  })
})

it.each(['SIGTERM', 'SIGINT'] as const)(
  'a program that is still loading ends with 0 on %s',
  async (signal) => {
    const folder = await temporaryDirectory()
    await cp(dirname(bin.path), join(folder, 'bin'), { recursive: true })
    await mkdir(join(folder, 'dist'))
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    // It never ends loading.
    const loading =
      'console.log(JSON.stringify({ msg: "loading" })); setInterval(() => {}, 1e6); await new Promise(() => {})'
    await writeFile(join(folder, 'dist/main.js'), `${loading}\nexport const main = 0`)
    const child = startChild([join(folder, 'bin', basename(bin.path))])
    await child.logLine('loading')
    child.process.kill(signal)
    expect(await child.end).toBe(0)
  },
)

describe('a sidecar beside a program', () => {
  it('serves every rotation by socket, port and proxy, tells metrics, and finishes a request at its end', async () => {
    const kubelet = await startFakeKubelet({ autoRotate: false, serve: false, algorithm: 'ES256' })
    onTestFinished(() => kubelet.close())
    const seen: string[] = []
    let finish: (() => void) | undefined
    const upstream = createServer((request, response) => {
      seen.push(request.headers.authorization ?? '')
      const answer = () => response.end('from upstream')
      if (request.url === '/slow') finish = answer
      else answer()
    }).listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    onTestFinished(() => {
      upstream.closeAllConnections()
      upstream.close()
    })
    const { port } = upstream.address() as AddressInfo
    const socket = join(await temporaryDirectory(), 'api.sock')
    const output = join(await temporaryDirectory(), 'token')
    const start = (api: string) => `
tokens: [{ name: app, path: '${kubelet.path}', audience: vault }]
api: { listen: '${api}' }
proxies: [{ listen: '127.0.0.1:0', upstream: 'http://127.0.0.1:${port}', token: app }]
sinks: [{ token: app, path: '${output}' }]
health: { listen: '127.0.0.1:0' }`
    const children = await Promise.all(
      [`unix://${socket}`, '127.0.0.1:0'].map(async (api, index) => {
        const yaml = start(api).replace(output, `${output}${index}`)
        const child = sidecar(['--config', await fileWith(yaml, 'sidecar.yaml')])
        return { child, addresses: await addressesOf(child) }
      }),
    )
    const isCurrent = async () => {
      const tokens = await Promise.all(
        children.map(async ({ addresses }) => JSON.parse((await ask(addresses.api)).body).token),
      )
      return tokens.every((token) => token === kubelet.current.token)
    }
    let stale = 0
    for (let rotation = 0; rotation < 4; rotation++) {
      if (rotation > 0) await kubelet.rotate()
      await expect.poll(isCurrent, { timeout: 25_000 }).toBe(true)
      for (let request = 0; request < 20; request++) if (!(await isCurrent())) stale++
      for (const { addresses } of children) {
        const answer = await ask(addresses.proxies[0] as string, { path: '/fast', headers: {} })
        expect(answer).toMatchObject({ status: 200, body: 'from upstream' })
        expect(seen.at(-1)).toBe(`Bearer ${kubelet.current.token}`)
      }
    }
    expect(stale).toBe(0)
    for (const { child, addresses } of children) {
      const { body } = await ask(addresses.health, { path: '/metrics', headers: {} })
      expect(body).toMatch(/rotations_total\{[^}]*\} 3/)
      expect(body).not.toContain(kubelet.current.token)
      const slow = ask(addresses.proxies[0] as string, { path: '/slow', headers: {} })
      await expect.poll(() => finish !== undefined, { timeout: 20_000 }).toBe(true)
      child.process.kill('SIGTERM')
      await child.logLine('stopping')
      finish?.()
      finish = undefined
      expect(await slow).toMatchObject({ status: 200, body: 'from upstream' })
      expect(await child.end).toBe(0)
      expect(child.stderr()).toBe('')
    }
  })
})

/** A sidecar whose proxy has a request that never ends. */
async function startWithSlowUpstream(flags: string[]) {
  const upstream = createServer(() => {}).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  onTestFinished(() => {
    upstream.closeAllConnections()
    upstream.close()
  })
  const { port } = upstream.address() as AddressInfo
  const proxy = `127.0.0.1:0=http://127.0.0.1:${port}`
  const child = sidecar(['--token', `default=${await tokenFile()}`, '--proxy', proxy, ...OFF, ...flags])
  const [address = ''] = (await addressesOf(child)).proxies
  const asked = once(upstream, 'request')
  ask(address, { path: '/', headers: {} }).catch(() => {})
  return { child, asked }
}
