import { describe, expect, it } from 'vitest'
import { parseDuration } from '../src/options.js'
import { runCli } from './support/run-cli.js'
import { boundClaims, createIssuer } from './support/token-files.js'

describe('the command line', () => {
  it('prints its version', async () => {
    const { exitCode, stdout } = await runCli(['--version'])
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(exitCode).toBe(0)
  })

  it.each(['inspect', 'watch', 'demo'])('explains %s, with examples and exit codes', async (command) => {
    const { exitCode, stdout } = await runCli([command, '--help'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`Usage: projected-token ${command}`)
    expect(stdout).toContain('Examples:\n  $ ')
    expect(stdout).toContain('Exit codes: 0 ')
    expect(stdout).not.toContain('--show-token')
    expect(stdout.endsWith('\n')).toBe(true)
  })

  it.each(['login', 'exec', 'agent'])('explains vault %s, with examples and exit codes', async (command) => {
    const { exitCode, stdout } = await runCli(['vault', command, '--help'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`Usage: projected-token vault ${command}`)
    expect(stdout).toContain(`Examples:\n  $ projected-token vault ${command} `)
    expect(stdout).toContain('Exit codes: ')
    expect((await runCli(['vault', command, '-help'])).stdout).toBe(stdout)
  })

  it('names all commands of vault in its help', async () => {
    const { stdout } = await runCli(['vault', '--help'])
    for (const command of ['login', 'exec', 'agent'])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
  })

  it('names all commands in its help', async () => {
    const { stdout } = await runCli(['--help'])
    for (const command of ['inspect', 'watch', 'vault', 'demo'])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
  })

  it('prints its help to stderr when it is not told what to do', async () => {
    const { exitCode, stdout, stderr } = await runCli([])
    expect(stdout).toBe('')
    expect(stderr).toContain('Usage: projected-token')
    expect(exitCode).toBe(2)
  })

  it.each([
    [['inspekt'], "error: unknown command 'inspekt'\n  do     Did you mean inspect?\n  code   ERR_USAGE\n"],
    [
      ['watch', '--jsn'],
      "error: unknown option '--jsn'\n  do     Did you mean --json?\n  code   ERR_USAGE\n",
    ],
  ])('suggests the nearest for %j', async (argv, expected) => {
    const { exitCode, stdout, stderr } = await runCli(argv)
    expect(stderr).toBe(expected)
    expect(stdout).toBe('')
    expect(exitCode).toBe(2)
  })

  it('tells an error as one line of JSON when JSON is asked for', async () => {
    const { exitCode, stderr } = await runCli(['inspect', '--json', '--audence', 'x'])
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: 'ERR_USAGE',
        message: "unknown option '--audence'",
        found: null,
        remedy: 'Did you mean --audience?',
      },
    })
    expect(stderr).toMatch(/^[^\n]+\n$/)
    expect(exitCode).toBe(2)
  })

  it.each([
    ['watch', '--reload-interval', '10'],
    ['watch', '--reload-interval', 'soon'],
    ['watch', '--timeout', '-1s'],
    ['watch', '--timeout', '1e3'],
    ['watch', '--until-rotations', '0'],
    ['watch', '--until-rotations', '1.5'],
    ['watch', ''],
    ['watch', 'one', 'two'],
    ['inspect', '--audience', ''],
    ['inspect', 'a\0b'],
    ['demo', '--duration', '0'],
    ['demo', '--rotate-every', '1ms'],
    ['demo', '--duration', '2s', '--rotate-every', '2s'],
  ])('refuses %s %s %s', async (...argv) => {
    const { exitCode, stdout, stderr } = await runCli(argv)
    expect(stderr).toMatch(/^error: .+\n {2}do {5}.+\n {2}code {3}ERR_USAGE\n$/)
    expect(stdout).toBe('')
    expect(exitCode).toBe(2)
  })

  it.each(['path', '--jwks', '--audience', '--issuer'])(
    'refuses a token that was given as %s, and does not repeat it',
    async (where) => {
      const token = await (await createIssuer()).sign(boundClaims(Date.now()))
      const argv = where === 'path' ? [token] : ['token', where, token]
      const { exitCode, stderr } = await runCli(['inspect', ...argv])
      expect(stderr).toContain('It looks like a token itself.')
      expect(exitCode).toBe(2)
    },
  )

  it('does not repeat a token that was given as a command', async () => {
    const token = await (await createIssuer()).sign(boundClaims(Date.now()))
    const { exitCode, stderr } = await runCli([token])
    expect(stderr).toContain("unknown command '[a JWT, not shown]'")
    expect(exitCode).toBe(2)
  })

  it('makes what it repeats of the command line printable', async () => {
    const { stderr } = await runCli(['\u001b[2J\u202einspect'])
    expect(stderr).toContain("unknown command '\\u{1b}[2J\\u{202e}inspect'")
  })

  it.each([
    ['250', 250],
    ['250ms', 250],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
  ])('reads the duration %s', (text, expectedMs) => {
    expect(parseDuration(text)).toBe(expectedMs)
  })
})

describe('colours', () => {
  const isColored = async (options: Parameters<typeof runCli>[1]) =>
    (await runCli(['inspect', '--oops'], options)).stderr.includes('\u001b[')

  it('are for terminals', async () => {
    expect(await isColored({ tty: true })).toBe(true)
    expect(await isColored({ tty: false })).toBe(false)
  })

  it('give way to NO_COLOR, to FORCE_COLOR=0 and to a dumb terminal', async () => {
    expect(await isColored({ tty: true, env: { NO_COLOR: '1' } })).toBe(false)
    expect(await isColored({ tty: true, env: { NO_COLOR: '1', FORCE_COLOR: '1' } })).toBe(false)
    expect(await isColored({ tty: true, env: { NO_COLOR: '' } })).toBe(true)
    expect(await isColored({ tty: true, env: { FORCE_COLOR: '0' } })).toBe(false)
    expect(await isColored({ tty: true, env: { TERM: 'dumb' } })).toBe(false)
  })

  it('can be forced', async () => {
    expect(await isColored({ env: { FORCE_COLOR: '1' } })).toBe(true)
    expect(await isColored({ env: { FORCE_COLOR: '' } })).toBe(true)
  })
})
