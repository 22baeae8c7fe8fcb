import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { startChild, useBuiltSidecar } from './support/built-sidecar.js'
import { fileWith, temporaryDirectory } from './support/files.js'

// Each test starts processes, which take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const bin = useBuiltSidecar()

async function run(args: string[], env?: Record<string, string>) {
  const child = startChild([bin.path, ...args], env)
  return { exitCode: await child.end, stdout: child.stdout(), stderr: child.stderr() }
}
const check = (args: string[], env?: Record<string, string>) => run([...args, '--check'], env)
async function checked(args: string[], env?: Record<string, string>) {
  const { stdout, exitCode } = await check([...args, '--json'], env)
  expect(exitCode).toBe(0)
  return JSON.parse(stdout).config
}

describe('the command line', () => {
  it('prints help with examples, signals and exit codes', async () => {
    const { exitCode, stdout, stderr } = await run(['--help'])
    expect([exitCode, stderr]).toEqual([0, ''])
    for (const text of ['Examples:', 'Exit codes:', 'Signals:', '--proxy', 'PROJECTED_TOKEN_CONFIG']) {
      expect(stdout).toContain(text)
    }
  })

  it('prints the version', async () => {
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it('says what would run, and runs nothing', async () => {
    const { exitCode, stdout } = await check([
      '--token=api=/t/api,audience=api',
      '--proxy=127.0.0.1:8081=https://api.example',
      '--sink=/run/out/token,format=json',
    ])
    expect(exitCode).toBe(0)
    expect(stdout.split('\n')).toEqual([
      'token api: /t/api, audience api',
      'api: 127.0.0.1:8180',
      'proxy: 127.0.0.1:8081 to https://api.example/, authorization: Bearer (token api)',
      'sink: /run/out/token, mode 0600, json of token api',
      'health: [::]:8080',
      'status: off',
      'shutdown: within 25 s',
      'log: info',
      'The configuration can be used.',
      '',
    ])
  })

  it('refuses to write over its own configuration', async () => {
    const directory = await temporaryDirectory()
    const path = join(directory, 'sidecar.yaml')
    await writeFile(path, `sinks: [{ token: default, path: '${directory}//sidecar.yaml' }]`)
    const { exitCode, stderr } = await check(['--config', path])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(
      'sinks[0].path: found the path of this configuration, expected a path of its own',
    )
  })

  it('says what is wrong with it, and with 2', async () => {
    const { exitCode, stderr } = await run(['--token=oops', '--api=0.0.0.0:1', '--log-level=loud'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--token: found another text, expected NAME=PATH[,KEY=VALUE]…')
    const rest = await run(['--api=0.0.0.0:1', '--log-level=loud', '--proxy=127.0.0.1:2=http://x,token=no'])
    expect(rest.stderr.split('\n').sort()).toEqual([
      '',
      "--api: api.listen: found '0.0.0.0:1', which others can reach, expected an address of loopback or a unix socket",
      "--log-level: logLevel: found 'loud', expected one of fatal, error, warn, info, debug, trace, silent",
      "--proxy: proxies[0].token: found the unknown name 'no', expected one of 'default'",
    ])
  })

  it('refuses unknown flags and arguments with 2', async () => {
    for (const args of [['--oops'], ['argument'], ['--config']]) {
      const { exitCode, stderr, stdout } = await run(args)
      expect([exitCode, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(/^error: .+\nSee /)
    }
  })

  it('tells a flag that does not exist in JSON when it is to, with all else that is wrong', async () => {
    const file = await fileWith('logLevel: loud\ntokens: [{ name: UPPER, path: /t }]', 'c.yaml')
    for (const bad of [['--bogus'], ['argument'], ['--status']]) {
      const { exitCode, stdout, stderr } = await run([
        '--check',
        '--json',
        `--config=${file}`,
        '--token=oops',
        ...bad,
      ])
      expect([exitCode, stderr]).toEqual([2, ''])
      const { ok, code, problems } = JSON.parse(stdout)
      expect([ok, code]).toEqual([false, 'ERR_CONFIG'])
      const places = problems.map((one: { location: string; path: string }) => [one.location, one.path])
      expect(places).toEqual([
        ['command line', ''],
        ['--token', ''],
        [`${file}:2:18`, 'tokens[0].name'],
        [`${file}:1:11`, 'logLevel'],
      ])
      expect(problems[0].found).toMatch(/bogus|argument/)
    }
  })

  it('tells what is wrong with the file beside a bad flag, and no consequences of that flag', async () => {
    const file = await fileWith("sinks: [{ token: by-flag, path: /out, mode: 'x' }]", 'c.yaml')
    const { exitCode, stderr } = await check(['--config', file, '--bogus', '--token=by-flag'])
    expect(exitCode).toBe(2)
    expect(stderr.split('\n')).toEqual([
      "error: unknown option '--bogus'",
      "See 'projected-token-sidecar --help'",
      expect.stringMatching(/^--token: found another text, expected NAME=PATH/),
      `${file}:1:45: sinks[0].mode: found 'x', expected octal permission bits in quotes, such as '0600'`,
      '',
    ])
  })

  it('never shows a token that somebody gave it', async () => {
    const token = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl'
    for (const args of [[token], [`--${token}`], ['--token', token], ['--api', token], ['--config', token]]) {
      const { exitCode, stdout, stderr } = await run(args)
      expect(exitCode).toBe(2)
      expect(stdout + stderr).not.toContain(token)
    }
  })

  it('wins over variables, and these over the file', async () => {
    const file = await fileWith(
      "tokens: [{ name: f, path: /f }]\napi: { listen: 'unix:///f.sock', socketMode: '0660' }\nlogLevel: error\nshutdownTimeout: 1s",
      'c.yaml',
    )
    const env = {
      PROJECTED_TOKEN_CONFIG: file,
      PROJECTED_TOKEN_TOKEN: 'v=/v,audience=a,audience=b w=/w',
      PROJECTED_TOKEN_LOG_LEVEL: 'warn',
      PROJECTED_TOKEN_API: '',
      // A service of the cluster named projected-token makes variables like these.
      PROJECTED_TOKEN_PORT: 'tcp://10.0.0.1:80',
    }
    expect(await checked([], env)).toMatchObject({
      tokens: [
        { name: 'v', path: '/v', audience: ['a', 'b'] },
        { name: 'w', path: '/w' },
      ],
      api: { listen: 'unix:///f.sock' },
      logLevel: 'warn',
      shutdownTimeoutMs: 1_000,
    })
    expect(await checked(['--token=g=/g', '--log-level=debug', '--api=127.0.0.1:1'], env)).toMatchObject({
      tokens: [{ name: 'g' }],
      api: { listen: '127.0.0.1:1' },
      logLevel: 'debug',
    })
  })

  it('names each place of a problem', async () => {
    const file = await fileWith('logLevel: loud\napi: { listen: nowhere }', 'c.yaml')
    const env = { PROJECTED_TOKEN_HEALTH: 'x' }
    const { exitCode, stdout } = await check(['--config', file, '--status=y', '--json'], env)
    expect(exitCode).toBe(2)
    const places = JSON.parse(stdout).problems.map((one: { location: string; path: string }) => [
      one.location,
      one.path,
    ])
    expect(places.sort()).toEqual(
      [
        ['--status', 'status.listen'],
        ['PROJECTED_TOKEN_HEALTH', 'health.listen'],
        [`${file}:1:11`, 'logLevel'],
        [`${file}:2:16`, 'api.listen'],
      ].sort(),
    )
  })
})

describe('a configuration file', () => {
  it.each([
    ['is missing', async () => join(await temporaryDirectory(), 'none.yaml'), 'no file at'],
    ['is a directory', temporaryDirectory, 'is no regular file'],
    ['is a device without end', async () => '/dev/zero', 'is no regular file'],
    ['is too large', () => fileWith(`#${'x'.repeat(1_048_576)}`), 'is larger than 1048576 bytes'],
    ['is no text', () => fileWith(new Uint8Array([0xff, 0xfe, 0x00])), 'not UTF-8'],
  ])('that %s is told with 2', async (_what, path, expected) => {
    const { exitCode, stderr } = await check(['--config', await path()])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(expected)
  })

  it('that is a pipe without a writer is not waited for', async () => {
    const path = join(await temporaryDirectory(), 'pipe')
    await new Promise((resolve) => spawn('mkfifo', [path]).once('close', resolve))
    const { exitCode, stderr } = await check(['--config', path])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('is no regular file')
  })
})
