import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Kube, type KubeVolume, startKube } from './kube.js'
import { startVault, type Vault } from './vault.js'

/** `projected-token vault …` against a real Vault, whose kubernetes mount asks Kubernetes' own code about the JWT. */

const pollTimeoutMs = 30_000
const cliSource = fileURLToPath(new URL('../../packages/cli/', import.meta.url))
/** Renewed once at the most: a maximum TTL of 6 s replaces the token after 4 s. */
const short = { token_ttl: '6s', token_max_ttl: '6s' }

let directory: string
let bin: string
let kube: Kube
let volume: KubeVolume
let vault: Vault
/** What no command line may hold. */
const secrets = new Set<string>()
let sampler: { lines: Set<string>; stop(): Promise<void> }

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vault-cli-'))
  bin = await buildCli()
  kube = await startKube()
  volume = await kube.createVolume({
    directory: join(directory, 'tokens'),
    expirationSeconds: 3_600,
    syncMs: 0,
  })
  secrets.add((await readFile(volume.path, 'utf8')).trim())
  vault = await startVault()
  await vault.putSecret('app', { password: 'hunter2' })
  await vault.enableKubernetesAuth({ kubernetesHost: kube.url, roles: { app: { token_ttl: '5m' }, short } })
  sampler = sampleCommandLines()
})
afterAll(async () => {
  await sampler?.stop()
  await vault?.close()
  await kube?.close()
  await rm(directory, { recursive: true, force: true })
})

/** The program as it is published: one file and a bin beside it. */
async function buildCli(): Promise<string> {
  const home = join(directory, 'cli')
  await build({
    entryPoints: [join(cliSource, 'src/index.ts')],
    outfile: join(home, 'dist/index.js'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    tsconfig: join(cliSource, '../../tsconfig.json'),
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  })
  await cp(join(cliSource, 'bin'), join(home, 'bin'), { recursive: true })
  await cp(join(cliSource, 'package.json'), join(home, 'package.json'))
  return join(home, 'bin/projected-token.js')
}

/** Every command line that this machine has while the tests run, as everybody can read them. */
function sampleCommandLines() {
  const lines = new Set<string>()
  let isOver = false
  const sample = async () => {
    while (!isOver) {
      for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
        lines.add(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
      }
      await delay(20)
    }
  }
  const sampling = sample()
  return {
    lines,
    async stop() {
      isOver = true
      await sampling
    },
  }
}

interface Running {
  readonly process: ChildProcess
  stdout(): string
  stderr(): string
  readonly end: Promise<number | string>
  toPrint(pattern: RegExp): Promise<RegExpExecArray>
}

function run(command: string, args: string[], options: SpawnOptions = {}): Running {
  const env = {
    ...process.env,
    VAULT_ADDR: vault.address,
    HOME: directory,
    VAULT_TOKEN: undefined,
    ...options.env,
  }
  const child = spawn(command, args, { ...options, env, stdio: 'pipe' })
  onTestFinished(() => void child.kill('SIGKILL'))
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
    })
  }
  const end = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  return {
    process: child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    end,
    async toPrint(pattern) {
      await expect.poll(() => text.stdout, { timeout: pollTimeoutMs }).toMatch(pattern)
      return pattern.exec(text.stdout) as RegExpExecArray
    },
  }
}

const argv = (command: string, role: string, ...more: string[]) => [
  bin,
  ...['vault', command, '--role', role, '--token-path', volume.path, '--audience', 'vault'],
  ...more,
]
const cli = (command: string, role: string, more: string[] = [], options: SpawnOptions = {}) =>
  run(process.execPath, argv(command, role, ...more), options)

/** Runs a program to its good end. @returns what it printed */
async function outputOf(running: Running, input?: string): Promise<string> {
  running.process.stdin?.end(input)
  expect(await running.end, running.stderr()).toBe(0)
  return running.stdout()
}

function keep(token: string): string {
  expect(token).toMatch(/^hvs\.[\w-]{20,}$/)
  secrets.add(token)
  return token
}

/** The token that the file holds lives; or the machine stood still, and the file holds its successor by now. */
async function expectLiving(read: () => Promise<string>): Promise<string> {
  const token = keep(await read())
  if ((await lookUp(token)) !== 200) await expect.poll(read, { timeout: pollTimeoutMs }).not.toBe(token)
  return token
}

const lookUp = async (token: string) =>
  (await vault.request('GET', 'auth/token/lookup-self', undefined, { 'x-vault-token': token })).status

describe('vault login', () => {
  /** Without how long the token has left, which goes by; Vault's rows of metadata are in no order. */
  const comparable = (table: string) =>
    table
      .slice(table.indexOf('Key '))
      .split('\n')
      .filter((line) => !line.startsWith('token_duration '))
      .sort()

  it('prints the table that `vault login` prints of the same token', async () => {
    const ours = await outputOf(cli('login', 'app'))
    const token = keep(/^token +(\S+)$/m.exec(ours)?.[1] ?? '')
    const theirs = await outputOf(run(vault.binary, ['login', '-no-store', '-']), token)
    expect(comparable(ours)).toEqual(comparable(theirs))
    expect(ours).toMatch(/^token_duration +5m$/m)
  })

  it('prints the JSON that `vault login` prints of the same token', async () => {
    const ours = JSON.parse(await outputOf(cli('login', 'app', ['-format=json'])))
    const token = keep(ours.auth.client_token)
    const theirs = JSON.parse(
      await outputOf(run(vault.binary, ['login', '-no-store', '-format=json', '-']), token),
    )
    // Of a token that it only looked up, Vault does not tell these two.
    const { orphan: _orphan, entity_id: _entity, lease_duration: _duration, ...rest } = theirs.auth
    expect(ours).toMatchObject({ ...theirs, auth: rest })
    expect(Object.keys(ours.auth).sort()).toEqual(Object.keys(theirs.auth).sort())
    expect(Object.keys(ours)).toEqual(Object.keys(theirs))
  })

  it('stores a token with which the vault CLI reads a secret', async () => {
    const home = await mkdtemp(join(directory, 'home-'))
    await outputOf(cli('login', 'app', ['--store', '--no-print'], { env: { HOME: home } }))
    keep(await readFile(join(home, '.vault-token'), 'utf8'))
    const read = run(vault.binary, ['kv', 'get', '-field=password', 'secret/app'], { env: { HOME: home } })
    expect(await outputOf(read)).toBe('hunter2')
  })

  it('says why Vault refused, and nothing secret', async () => {
    const refused = cli('login', 'nobody', ['--json'])
    expect(await refused.end).toBe(1)
    expect(JSON.parse(refused.stderr()).error).toMatchObject({
      code: 'ERR_VAULT_ROLE',
      message: expect.stringContaining('invalid role name'),
    })
  })
})

describe('vault exec', () => {
  const has = `console.log('has', process.env.VAULT_TOKEN, '.'); setInterval(() => {}, 1000)`

  it('runs the vault CLI, which reads a secret', async () => {
    const read = cli('exec', 'app', [
      '--revoke',
      '--',
      vault.binary,
      'kv',
      'get',
      '-field=password',
      'secret/app',
    ])
    expect(await outputOf(read)).toBe('hunter2')
    expect(read.stderr()).toBe('')
  })

  it('starts a command again, with a living token, when the maximum TTL has ended the old one', async () => {
    const words = ['--on-change', 'restart', '--', process.execPath, '-e', has]
    const running = cli('exec', 'short', words)
    const [, first = '', second = ''] = await running.toPrint(/has (\S+) \.\nhas (\S+) \.\n/)
    expect(keep(first)).not.toBe(keep(second))
    expect(await lookUp(second)).toBe(200)
    running.process.kill('SIGTERM')
    expect(await running.end).toBe(143)
  })

  it('signals a command once the file holds the new token', async () => {
    const sink = join(await mkdtemp(join(directory, 'sink-')), 'token')
    const script = `const read = () => console.log('has', require('fs').readFileSync('${sink}', 'utf8'), '.')
      process.on('SIGHUP', read); read(); setInterval(() => {}, 1000)`
    const words = ['--on-change', 'signal:HUP', '--sink', sink, '--', process.execPath, '-e', script]
    const running = cli('exec', 'short', words)
    const [, first = '', second = ''] = await running.toPrint(/has (\S+) \.\nhas (\S+) \.\n/)
    expect(keep(first)).not.toBe(keep(second))
    expect(await lookUp(second)).toBe(200)
    running.process.kill('SIGTERM')
    expect(await running.end).toBe(143)
  })
})

describe('vault agent', () => {
  it('keeps a living token in two sinks, through renewals and new logins', async () => {
    const folder = await mkdtemp(join(directory, 'sinks-'))
    const [plain, json] = [join(folder, 'token'), join(folder, 'token.json')]
    const running = cli('agent', 'short', [
      '--sink',
      plain,
      '--sink',
      `file=${json},format=json,mode=0640`,
      '--json',
    ])
    await expect.poll(running.stderr, { timeout: pollTimeoutMs }).toContain('"event":"ready"')
    const seen = new Set<string>()
    while (seen.size < 3) {
      await expectLiving(() => readFile(plain, 'utf8'))
      seen.add(await expectLiving(async () => JSON.parse(await readFile(json, 'utf8')).token))
      await delay(50)
    }
    running.process.kill('SIGTERM')
    expect(await running.end).toBe(0)
    for (const token of seen) expect(running.stderr()).not.toContain(token)
    expect(running.stderr()).toContain('"event":"renewed"')
    expect((await readdir(folder)).sort()).toEqual(['token', 'token.json'])
  })

  it('leaves whole sinks behind when it is killed while it writes', async () => {
    const folder = await mkdtemp(join(directory, 'killed-'))
    const names = Array.from({ length: 60 }, (_, index) => `token-${index}`)
    const sinks = names.flatMap((name) => ['--sink', join(folder, name)])
    const contents = () =>
      Promise.all(names.map((name) => readFile(join(folder, name), 'utf8').catch(() => '')))
    await outputOf(cli('exec', 'app', [...sinks, '--', 'true']))
    let previous = keep((await contents())[0] ?? '')
    let inMidst = 0
    for (let round = 0; round < 12; round++) {
      const running = cli('agent', 'app', sinks)
      // Each round lets some more files be written.
      while ((await readFile(join(folder, names[round * 4] as string), 'utf8')) === previous) {
        expect(running.process.exitCode).toBe(null)
      }
      running.process.kill('SIGKILL')
      await running.end
      const tokens = new Set(await contents())
      if (tokens.size > 1) inMidst++
      for (const token of tokens) expect(await lookUp(keep(token))).toBe(200)
      // The next round starts from files that are all the same.
      await outputOf(cli('exec', 'app', [...sinks, '--', 'true']))
      previous = keep((await contents())[0] ?? '')
    }
    expect(inMidst).toBeGreaterThan(0)
    expect((await readdir(folder)).sort()).toEqual([...names].sort())
  })
})

it('never shows a JWT or a token on a command line', async () => {
  await sampler.stop()
  const lines = [...sampler.lines].filter((line) => line.includes(bin))
  expect(lines.length).toBeGreaterThan(5)
  expect(secrets.size).toBeGreaterThan(10)
  for (const line of sampler.lines) {
    for (const secret of secrets) expect(line.includes(secret)).toBe(false)
  }
})
