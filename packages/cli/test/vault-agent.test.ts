import { existsSync } from 'node:fs'
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { createFakeClock } from '@projected-token/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { parseSink } from '../src/vault/sink-spec.js'
import { start, useBuiltCli } from './support/built-cli.js'
import { type CliRun, runCli, startCli } from './support/run-cli.js'
import { replacedAfter, setUpVault, type VaultSetup } from './support/vault-session.js'
import { SEALED, UNKNOWN_ROLE } from './support/vault-stand-in.js'

let setup: VaultSetup
let file: string

beforeEach(async () => {
  setup = await setUpVault({ mayShow: false })
  file = join(setup.directory, 'token')
})

const agent = (...options: string[]) => startCli(setup.argv('agent', ...options), { env: setup.env })
const content = () => readFile(file, 'utf8')
const modeOf = async (path: string) => (await stat(path)).mode & 0o7777

async function stop(cli: CliRun, signal: 'SIGTERM' | 'SIGINT' | 'SIGHUP' = 'SIGTERM'): Promise<number> {
  cli.signal(signal)
  return cli.exitCode
}

describe('vault agent', () => {
  it('keeps the token in any number of sinks, and leaves them when it is stopped', async () => {
    const json = join(setup.directory, 'token.json')
    const cli = agent('--sink', file, '--sink', `file=${json},format=json,mode=0640`)
    await cli.toTell(' ready')
    const [token] = setup.vault.issued
    expect(await content()).toBe(token)
    expect(await modeOf(file)).toBe(0o600)
    expect(JSON.parse(await readFile(json, 'utf8'))).toEqual({
      token,
      accessor: 'accessor-1',
      policies: ['default', 'secret-reader'],
      renewable: true,
      leaseMs: 3_600_000,
      expiresAtMs: expect.any(Number),
      address: setup.vault.address,
      namespace: null,
    })
    expect(await modeOf(json)).toBe(0o640)
    expect(await stop(cli)).toBe(0)
    expect(await readdir(setup.directory)).toEqual(['token', 'token.json'])
    expect(cli.stdout()).toBe('')
    expect(cli.stderr().split('\n').at(-2)).toMatch(/Z {2}ended$/)
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('stops cleanly on %s', async (signal) => {
    const cli = agent('--sink', file)
    await cli.toTell(' ready')
    expect(await stop(cli, signal)).toBe(0)
  })

  it('tells everything as JSON, with the status and without a secret', async () => {
    setup.vault.grant = replacedAfter(1)
    const cli = agent('--sink', file, '--json')
    await cli.toTell('"accessor":"accessor-2"')
    expect(await stop(cli)).toBe(0)
    const lines = cli
      .stderr()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.slice(0, 3).map(({ event }) => event)).toEqual(['login', 'sink', 'ready'])
    expect(lines[0]).toMatchObject({
      role: 'app',
      mount: 'kubernetes',
      accessor: 'accessor-1',
      status: { state: 'valid', logins: 1 },
    })
    expect(lines.at(-1)).toMatchObject({ event: 'ended', status: { state: 'closed' } })
  })

  it('replaces the token when a new login has', async () => {
    setup.vault.grant = replacedAfter(1)
    const cli = agent('--sink', file)
    const number = () =>
      content().then(
        (text) => Number(text.slice(text.lastIndexOf('-') + 1)),
        () => 0,
      )
    await expect.poll(number, { timeout: 10_000 }).toBeGreaterThan(2)
    expect(await stop(cli)).toBe(0)
    expect(await readdir(setup.directory)).toEqual(['token'])
  })

  it('does not touch a file that is as it should be already', async () => {
    setup.vault.grant = { lease_duration: 6 } // renewed at 2/3: the same token
    const cli = agent('--sink', file)
    await cli.toTell(' ready')
    const { ino } = await stat(file)
    await utimes(file, 1, 1)
    await cli.toTell(/renewed/)
    await stop(cli)
    expect(await stat(file)).toMatchObject({ ino, mtimeMs: 1_000 })
    expect(cli.stderr().match(/ sink /g)).toHaveLength(1)
  })

  it('writes a file again that somebody changed or removed', async () => {
    setup.vault.grant = { lease_duration: 1 }
    const cli = agent('--sink', file)
    await cli.toTell(' ready')
    await chmod(file, 0o644)
    await expect.poll(() => modeOf(file), { timeout: 10_000 }).toBe(0o600)
    await rm(file)
    await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(true)
    await stop(cli)
  })

  it('removes what a killed one left behind, and nothing else', async () => {
    for (const name of ['.token.0123456789ab.tmp', '.token.other.tmp', '.token2.0123456789ab.tmp']) {
      await writeFile(join(setup.directory, name), 'x')
    }
    const cli = agent('--sink', file)
    await cli.toTell(' ready')
    await stop(cli)
    expect((await readdir(setup.directory)).sort()).toEqual([
      '.token.other.tmp',
      '.token2.0123456789ab.tmp',
      'token',
    ])
  })

  it('never writes through a symbolic link', async () => {
    const target = join(setup.directory, 'target')
    await writeFile(target, 'precious')
    await symlink(target, file)
    const { exitCode, stderr } = await runCli(setup.argv('agent', '--sink', file), { env: setup.env })
    expect(stderr).toContain('is a symbolic link, which is not followed; name its target')
    expect(await readFile(target, 'utf8')).toBe('precious')
    expect((await lstat(file)).isSymbolicLink()).toBe(true)
    expect(exitCode).toBe(1)
  })

  // Skipped unless root, who alone may give a file away.
  it.skipIf(process.getuid?.() !== 0)(
    'gives the file to its owner before anybody sees it (as root)',
    async () => {
      const cli = agent('--sink', `file=${file},mode=0440,owner=1234:5678`)
      await cli.toTell(' ready')
      expect(await stat(file)).toMatchObject({ uid: 1234, gid: 5678 })
      expect(await modeOf(file)).toBe(0o440)
      await stop(cli)
    },
  )

  it('goes on when a sink that could be written once no longer can, and writes it later', async () => {
    setup.vault.grant = replacedAfter(1)
    const cli = agent('--sink', file)
    await cli.toTell(' ready')
    await rm(setup.directory, { recursive: true })
    await cli.toTell(/ sink-failed .*ENOENT/)
    await mkdir(setup.directory)
    await cli.toTell(/ sink-failed (.|\n)* sink /)
    expect(await stop(cli)).toBe(0)
  })

  it('has a readiness file while there is a token in all sinks, and not before or after', async () => {
    const ready = join(setup.directory, 'ready')
    await writeFile(ready, 'of one that was killed')
    setup.vault.loginReply = SEALED
    const cli = agent('--sink', file, '--ready-file', ready)
    await cli.toTell(' failed ')
    expect(existsSync(ready)).toBe(false)
    setup.vault.loginReply = undefined
    await cli.toTell(' ready')
    await expect.poll(() => existsSync(ready)).toBe(true)
    expect(existsSync(file)).toBe(true)
    expect(await stop(cli)).toBe(0)
    expect(existsSync(ready)).toBe(false)
  })

  it('is not ready any more when the token has ended and Vault gives no other', async () => {
    const ready = join(setup.directory, 'ready')
    setup.vault.grant = replacedAfter(1)
    const cli = agent('--sink', file, '--ready-file', ready)
    await cli.toTell(' ready')
    setup.vault.loginReply = SEALED
    await cli.toTell(' not-ready')
    await expect.poll(() => existsSync(ready)).toBe(false)
    expect(cli.stderr()).toContain(' expired ')
    await stop(cli)
  })

  it('says with --notify that there is a token, and another one, and gives it to nobody', async () => {
    setup.vault.grant = replacedAfter(1)
    const told = join(setup.directory, 'told')
    const line = `echo "$PROJECTED_TOKEN_EVENT \${VAULT_TOKEN:-none} $(tail -c 1 ${file})" >> ${told}`
    const env = { ...setup.env, VAULT_TOKEN: 'hvs.somebodyElses', PATH: process.env.PATH as string }
    const cli = startCli(setup.argv('agent', '--sink', file, '--notify', line), { env })
    const lines = () => readFile(told, 'utf8').catch(() => '')
    await expect.poll(lines, { timeout: 10_000 }).toMatch(/^ready none 1\nchanged none 2\n/)
    await stop(cli)
  })

  it('ends, and leaves no readiness file, when the --notify line does not end', async () => {
    const started = join(setup.directory, 'started')
    const ready = join(setup.directory, 'ready')
    const line = `trap '' TERM; : > ${started}; while :; do sleep 1; done`
    const env = { ...setup.env, PATH: process.env.PATH as string }
    const words = ['--sink', file, '--ready-file', ready, '--notify', line, '--kill-timeout', '100ms']
    const cli = startCli(setup.argv('agent', ...words), { env })
    await expect.poll(() => existsSync(started)).toBe(true)
    expect(await stop(cli)).toBe(0)
    expect(existsSync(ready)).toBe(false)
  })

  it('tells what came next when a --notify line that did not end was killed for it', async () => {
    setup.vault.grant = replacedAfter(1)
    const told = join(setup.directory, 'told')
    const line = `echo $PROJECTED_TOKEN_EVENT >> ${told}; trap '' TERM; while :; do sleep 1; done`
    const env = { ...setup.env, PATH: process.env.PATH as string }
    const words = ['--sink', file, '--notify', line, '--kill-timeout', '100ms']
    const cli = startCli(setup.argv('agent', ...words), { env })
    const lines = () => readFile(told, 'utf8').catch(() => '')
    await expect.poll(lines, { timeout: 10_000 }).toMatch(/^ready\nchanged\n/)
    expect(cli.stderr()).toContain('The --notify line did not end in time')
    expect(await stop(cli)).toBe(0)
  })

  it('asks for another token after five minutes when nobody knows how long one lives', async () => {
    setup.vault.grant = { lease_duration: 0 }
    const clock = createFakeClock({ nowMs: Date.now() })
    const cli = startCli(setup.argv('agent', '--sink', file), { env: setup.env, clock })
    await cli.toTell(' ready')
    expect(cli.stderr()).toContain('set token_ttl')
    await clock.advance(1_000)
    await cli.toTell(' not-ready')
    await clock.advance(298_000)
    expect(setup.vault.issued).toHaveLength(1)
    await clock.advance(2_000)
    await cli.toTell('accessor=accessor-2')
    await expect.poll(content).toBe(setup.vault.issued[1])
    expect(await stop(cli)).toBe(0)
  })

  it.each([
    ['a sink', (same: string) => ['--sink', same, '--ready-file', same], '--sink and for --ready-file'],
    ['the JWT', (same: string) => ['--token-path', same, '--sink', same], '--token-path and for --sink'],
  ])(
    'is a usage error when something is to be written over %s, and nothing is',
    async (_what, words, message) => {
      const same = join(setup.directory, 'same')
      await writeFile(same, 'as it was')
      const { exitCode, stderr } = await runCli(setup.argv('agent', '--sink', file, ...words(same)), {
        env: setup.env,
      })
      expect(stderr).toContain(`'${same}' is given for ${message}`)
      expect(exitCode).toBe(2)
      expect(await readdir(setup.directory)).toEqual(['same'])
      expect(await readFile(same, 'utf8')).toBe('as it was')
    },
  )

  it('revokes the token with --revoke, and removes the sinks', async () => {
    const cli = agent('--sink', file, '--revoke')
    await cli.toTell(' ready')
    expect(await stop(cli)).toBe(0)
    expect(setup.vault.count('/revoke-self')).toBe(1)
    expect(existsSync(file)).toBe(false)
  })

  it('ends when there can be no token: the role is unknown', { timeout: 60_000 }, async () => {
    setup.vault.loginReply = UNKNOWN_ROLE
    const cli = agent('--sink', file)
    expect(await cli.exitCode).toBe(1)
    expect(cli.stderr()).toContain('ERR_VAULT_ROLE')
    expect(existsSync(file)).toBe(false)
  })

  it('goes on trying without a token file, and says that it is missing', async () => {
    const cli = agent('--sink', file, '--token-path', join(setup.directory, 'not-there'))
    await cli.toTell('ERR_TOKEN_NOT_FOUND')
    expect(await stop(cli)).toBe(0)
  })

  it.each([
    ['a sink', ['--sink', '/nonexistent/token'], 'ERR_SINK'],
    ['the readiness file', ['--sink', 'SINK', '--ready-file', '/nonexistent/ready'], 'ERR_READY_FILE'],
  ])('ends when %s cannot be written from the start', async (_what, words, code) => {
    const cli = agent(...words.map((word) => (word === 'SINK' ? file : word)))
    expect(await cli.exitCode).toBe(1)
    expect(cli.stderr()).toContain(code)
  })

  it('wants somebody who gets the token', async () => {
    const { exitCode, stderr } = await runCli(setup.argv('agent'), { env: setup.env })
    expect(stderr).toContain('Nothing would get the token')
    expect(exitCode).toBe(2)
  })
})

describe('a sink on the command line', () => {
  it.each([
    ['/run/token', { path: '/run/token', format: 'token', access: { mode: 0o600 } }],
    ['/run/a=b', { path: '/run/a=b', format: 'token', access: { mode: 0o600 } }],
    ['/run/token,mode=440', { path: '/run/token', format: 'token', access: { mode: 0o440 } }],
    [
      'format=json,file=/run/token,owner=1:2,mode=0640',
      { path: '/run/token', format: 'json', access: { mode: 0o640, uid: 1, gid: 2 } },
    ],
    ['file=/t,owner=7', { path: '/t', format: 'token', access: { mode: 0o600, uid: 7 } }],
    ['file=/t,owner=:7', { path: '/t', format: 'token', access: { mode: 0o600, gid: 7 } }],
  ])('is read from %s', (text, expected) => {
    expect(parseSink(text)).toEqual(expected)
  })

  it.each([
    ['', 'It is empty'],
    ['mode=0600', "'file' is missing"],
    ['file=', "'file=' is not understood"],
    ['/run/', "'file=/run/' is a directory"],
    ['/t,mode=0999', "'mode=0999' is no octal mode"],
    ['/t,mode=04755', "'mode=04755' is no octal mode"],
    ['/t,mode=0755', "'mode=0755' makes a token executable"],
    ['/t,mode=0040', "'mode=0040' does not let the owner read it"],
    ['/t,owner=nginx', "'owner=nginx' is no number"],
    ['/t,owner=', "'owner=' is not understood"],
    ['/t,owner=:', "'owner=:' is no number"],
    ['/t,owner=1:99999999999', "'owner=1:99999999999' is no number"],
    ['/t,format=yaml', "'format=yaml' is neither token nor json"],
    ['/t,group=5', "'group=5' is not understood"],
    ['/t,mode=0600,mode=0640', "'mode' is there twice"],
    ['/t,', "'' is not understood"],
  ])('is refused as %j, which names the part', (text, message) => {
    expect(() => parseSink(text)).toThrow(message)
  })
})

describe('the process of vault agent', () => {
  const bin = useBuiltCli()

  it('hands signals to its command, and ends with its exit code', async () => {
    const script = `trap 'echo hup' HUP; trap 'exit 9' TERM; echo running; while :; do sleep 0.05; done`
    const words = setup.argv('agent', '--sink', file, '--', 'sh', '-c', script)
    const child = start(process.execPath, [bin.path, ...words], setup.env)
    await child.toPrint('running')
    expect(await content()).toBe(setup.vault.issued[0])
    child.process.kill('SIGHUP')
    await child.toPrint('hup')
    child.process.kill('SIGTERM')
    expect(await child.end).toBe(9)
    expect(child.stderr()).toMatch(/ child-ended +exitCode=9\n(.*\n)*.* ended\n$/)
  })

  it('goes on when nobody reads its log any more', async () => {
    setup.vault.grant = replacedAfter(1)
    const child = start(process.execPath, [bin.path, ...setup.argv('agent', '--sink', file)], setup.env)
    await expect.poll(child.stderr).toContain(' ready')
    child.process.stderr.destroy()
    const number = () => content().then((text) => Number(text.slice(text.lastIndexOf('-') + 1)))
    await expect.poll(number, { timeout: 10_000 }).toBeGreaterThan(3)
    child.process.kill('SIGTERM')
    expect(await child.end).toBe(0)
  })
})
