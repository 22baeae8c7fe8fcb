import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { childEnvironment } from '../src/vault/child-environment.js'
import { start, useBuiltCli } from './support/built-cli.js'
import { runCli } from './support/run-cli.js'
import { commandLines, replacedAfter, setUpVault, type VaultSetup } from './support/vault-session.js'
import { SEALED, WRONG_AUDIENCE } from './support/vault-stand-in.js'

const bin = useBuiltCli()
let setup: VaultSetup

beforeEach(async () => {
  setup = await setUpVault({ mayShow: true })
})

const exec = (options: string[], command: string[], env: Record<string, string> = {}) =>
  start(process.execPath, [bin.path, ...setup.argv('exec', ...options), '--', ...command], {
    ...setup.env,
    ...env,
  })
const node = (script: string) => [process.execPath, '-e', script]
/** It has its traps long before a token of a second is replaced, also where a processor is hard to get. */
const shell = (script: string) => ['sh', '-c', `${script}; while :; do sleep 0.05; done`]
/** Prints its variables as JSON. */
const PRINT_ENV = node('console.log(JSON.stringify(process.env))')
/** Says so when it runs and at each signal, and ends at `SIGTERM` with code 7. */
const OBSERVER = node(`
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']) {
    process.on(name, () => { console.log('got ' + name); if (name === 'SIGTERM') process.exit(7) })
  }
  setInterval(() => {}, 1000)
  console.log('running ' + process.pid)`)
/** What a command gets for these options, with the token `hvs.x`. */
function environment(
  inherited: Record<string, string>,
  options: Partial<Parameters<typeof childEnvironment>[1]>,
) {
  const status = { address: 'https://vault:8200', namespace: undefined }
  const token = { token: 'hvs.x', expiresAtMs: undefined, loadedAtMs: 0 }
  const all: Parameters<typeof childEnvironment>[1] = {
    ...{ method: 'kubernetes', tokenPath: 'x', onChange: { action: 'none' }, killTimeout: 0 },
    ...options,
  }
  return childEnvironment(inherited, all, status as Parameters<typeof childEnvironment>[2], token)
}

describe('vault exec', () => {
  it('gives the command the token and the address, and drops tokens of others', async () => {
    const others = {
      VAULT_TOKEN: 'hvs.somebodyElses',
      BAO_TOKEN: 'hvs.somebodyElses',
      BAO_ADDR: setup.vault.address,
    }
    const child = exec(['--namespace', 'team'], PRINT_ENV, others)
    expect(await child.end).toBe(0)
    const env = JSON.parse(child.stdout())
    expect(env).toMatchObject({
      VAULT_TOKEN: setup.vault.issued[0],
      VAULT_ADDR: setup.vault.address,
      VAULT_NAMESPACE: 'team',
    })
    expect(env).not.toHaveProperty('BAO_TOKEN')
    expect(env).not.toHaveProperty('BAO_ADDR')
    expect(JSON.stringify(env)).not.toContain(setup.jwt)
    expect(child.stderr()).toBe('')
  })

  it('leaves an inherited token to the command with --keep-vault-token', async () => {
    const child = exec(['--keep-vault-token'], PRINT_ENV, { VAULT_TOKEN: 'hvs.somebodyElses' })
    expect(await child.end).toBe(0)
    expect(JSON.parse(child.stdout()).VAULT_TOKEN).toBe('hvs.somebodyElses')
  })

  it('gives no token at all with --keep-vault-token when none is inherited', () => {
    const rest = { A: 'b', VAULT_ADDR: 'https://vault:8200', VAULT_CACERT: 'ca.pem' }
    const caCert = 'ca.pem'
    expect(environment({ A: 'b' }, { caCert, keepVaultToken: true })).toEqual(rest)
    expect(environment({ A: 'b' }, { caCert })).toEqual({ ...rest, VAULT_TOKEN: 'hvs.x' })
  })

  it('gives what its options say of TLS in place of all variables for the same thing', () => {
    const inherited = {
      BAO_CACERT: '/other.pem',
      VAULT_CACERT: '/other.pem',
      VAULT_CACERT_BYTES: 'other',
      BAO_TLS_SERVER_NAME: 'other',
      BAO_CLIENT_CERT: '/other.crt',
      BAO_CLIENT_KEY: '/other.key',
    }
    const tls = {
      ...{ caPath: '/certs', tlsServerName: 'vault.internal' },
      ...{ clientCert: '/tls.crt', clientKey: '/tls.key' },
    }
    expect(environment(inherited, tls)).toEqual({
      VAULT_ADDR: 'https://vault:8200',
      VAULT_TOKEN: 'hvs.x',
      VAULT_CAPATH: '/certs',
      VAULT_TLS_SERVER_NAME: 'vault.internal',
      VAULT_CLIENT_CERT: '/tls.crt',
      VAULT_CLIENT_KEY: '/tls.key',
    })
    expect(environment(inherited, {})).toMatchObject(inherited)
  })

  it('gives no inherited namespace when its option says that there is none', async () => {
    const child = exec(['--namespace', '/'], PRINT_ENV, { VAULT_NAMESPACE: 'team', BAO_NAMESPACE: 'team' })
    expect(await child.end).toBe(0)
    expect(child.stdout()).not.toContain('_NAMESPACE')
  })

  it('hands the words after -- on as they are, and reads stdin for nobody but the command', async () => {
    const script = 'printf "<%s>" "$@"; cat'
    const child = exec([], ['sh', '-c', script, 'sh', '-role=x', '--', '--json', '', 'a b'])
    child.process.stdin.end('from stdin')
    expect(await child.end).toBe(0)
    expect(child.stdout()).toBe('<-role=x><--><--json><><a b>from stdin')
  })

  it.each([0, 1, 42])('ends with the exit code %i of the command', async (code) => {
    expect(await exec([], node(`process.exit(${code})`)).end).toBe(code)
  })

  it('ends with 128 and the number of the signal that ended the command', async () => {
    expect(await exec([], node(`process.kill(process.pid, 'SIGKILL')`)).end).toBe(137)
  })

  it('ends with 127 for a command that is not there, and 126 for one that cannot be executed', async () => {
    const missing = exec([], ['no-such-command-here'])
    expect(await missing.end).toBe(127)
    expect(missing.stderr()).toContain("error: 'no-such-command-here' could not be started: ENOENT")
    const file = join(setup.directory, 'plain')
    await writeFile(file, 'x', { mode: 0o644 })
    expect(await exec([], [file]).end).toBe(126)
  })

  it('ends with 125, and runs nothing, without a Vault token', async () => {
    setup.vault.loginReply = WRONG_AUDIENCE
    const child = exec(['--timeout', '500ms', '--json'], node('console.log("ran")'))
    expect(await child.end).toBe(125)
    expect(child.stdout()).toBe('')
    const lines = child
      .stderr()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ event }) => event)).toEqual(['jwt-refused', 'failed', 'ended', undefined])
    expect(lines.at(-1).error.code).toBe('ERR_VAULT_JWT_REFUSED')
  })

  it('waits for a Vault that does not answer yet', async () => {
    setup.vault.loginReply = SEALED
    const child = exec([], node('console.log("ran")'))
    await expect.poll(() => setup.vault.count('/login')).toBeGreaterThan(0)
    setup.vault.loginReply = undefined
    expect(await child.end).toBe(0)
    expect(child.stdout()).toBe('ran\n')
    expect(child.stderr()).toMatch(/ failed .*ERR_VAULT_SEALED.*\n.* recovered /)
  })

  it('ends with 128 and the signal that came before the command could begin', async () => {
    setup.vault.loginReply = SEALED
    const child = exec([], node('console.log("ran")'))
    await expect.poll(() => setup.vault.count('/login')).toBeGreaterThan(0)
    child.process.kill('SIGTERM')
    expect(await child.end).toBe(143)
    expect(child.stdout()).toBe('')
  })

  it('forwards signals, and ends when the command does', async () => {
    const child = exec([], OBSERVER)
    await child.toPrint('running')
    for (const name of ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGQUIT', 'SIGINT', 'SIGTERM'] as const) {
      child.process.kill(name)
      await child.toPrint(`got ${name}`)
    }
    expect(await child.end).toBe(7)
  })

  // Skipped where there is no procfs to read the command lines of processes from.
  it.skipIf(!existsSync('/proc/self/cmdline'))('keeps JWT and token from every command line', async () => {
    const child = exec([], OBSERVER)
    await child.toPrint('running')
    const lines = await commandLines()
    expect(lines).toContain(bin.path)
    expect(lines).not.toContain(setup.jwt)
    expect(lines).not.toContain(setup.vault.issued[0])
    child.process.kill('SIGTERM')
    await child.end
  })

  it('revokes the token at the end with --revoke, and removes the sinks', async () => {
    const sink = join(setup.directory, 'token')
    expect(
      await exec(['--revoke', '--sink', sink], node(`console.log(require('fs').existsSync('${sink}'))`)).end,
    ).toBe(0)
    expect(setup.vault.requests.at(-1)).toMatchObject({ path: '/v1/auth/token/revoke-self' })
    expect(existsSync(sink)).toBe(false)
  })

  it('does not run a command whose token file cannot be written', async () => {
    const child = exec(['--sink', '/nonexistent/token'], node('console.log("ran")'))
    expect(await child.end).toBe(125)
    expect(child.stderr()).toContain("could not be written to '/nonexistent/token': ENOENT")
    expect(child.stdout()).toBe('')
  })
})

describe('a token that a new login has replaced', () => {
  beforeEach(() => {
    setup.vault.grant = replacedAfter(1)
  })

  it('starts the command again with --on-change restart', async () => {
    const child = exec(
      ['--on-change', 'restart'],
      node(`console.log('has', process.env.VAULT_TOKEN.slice(-1)); setInterval(() => {}, 1000)`),
    )
    for (const number of [1, 2, 3]) await child.toPrint(`has ${number}`)
    child.process.kill('SIGTERM')
    expect(await child.end).toBe(143)
    expect(child.stderr()).toMatch(/ child-restarting +pid=\d+\n/)
  })

  it('kills a command that does not end in time for its restart', async () => {
    const child = exec(
      ['--on-change', 'restart', '--kill-timeout', '200ms'],
      shell('case $VAULT_TOKEN in *1) trap "" TERM;; *) trap "exit 0" TERM; echo has 2;; esac'),
    )
    await child.toPrint('has 2')
    expect(child.stderr()).toMatch(/ child-killed +pid=\d+ It did not end in time\n/)
    child.process.kill('SIGTERM')
    expect(await child.end).toBe(0)
  })

  it('starts nothing again that was told to end', async () => {
    const child = exec(
      ['--on-change', 'restart'],
      shell('case $VAULT_TOKEN in *2) echo has 2;; esac; trap "echo ending" TERM; trap "exit 9" INT'),
    )
    await child.toPrint('ending') // by the restart
    child.process.kill('SIGTERM')
    child.process.kill('SIGINT')
    expect(await child.end).toBe(9)
    expect(child.stdout()).not.toContain('has 2')
  })

  it('is in the file before the command gets the signal of --on-change', async () => {
    const sink = join(setup.directory, 'token')
    const child = exec(
      ['--on-change', 'signal:HUP', '--sink', sink],
      node(`const read = () => console.log('read', require('fs').readFileSync('${sink}', 'utf8').slice(-1))
            process.on('SIGHUP', read); read(); setInterval(() => {}, 1000)`),
    )
    for (const number of [1, 2, 3]) await child.toPrint(`read ${number}`)
    expect(await readFile(sink, 'utf8')).toMatch(/^hvs\./)
    expect(await readdir(setup.directory)).toEqual(['token'])
    child.process.kill('SIGTERM')
    expect(await child.end).toBe(143)
  })

  it('leaves the command alone by default, and says so', async () => {
    const child = exec([], OBSERVER)
    await child.toPrint('running')
    await expect
      .poll(() => child.stderr())
      .toContain('The command still has the VAULT_TOKEN before; see --on-change')
    child.process.kill('SIGTERM')
    expect(await child.end).toBe(7)
    expect(child.stdout().match(/running/g)).toHaveLength(1)
  })
})

describe('the command line of vault exec', () => {
  it.each([
    [['--on-change', 'reload'], 'none, restart or signal:NAME'],
    [['--on-change', 'signal:NOPE'], 'none, restart or signal:NAME'],
    [['--sink', 'file=/x,mode=0999'], "'mode=0999' is no octal mode"],
    [['--kill-timeout', 'soon'], 'duration'],
    [['--login-spread', '1s'], 'a duration from 5s to 1d'],
    [['--sink', '/x/t', '--sink', 'file=/x/./t,mode=0640'], "'/x/t' is given for --sink and for --sink"],
  ])('refuses %j', async (words, message) => {
    const { exitCode, stderr } = await runCli(setup.argv('exec', ...words, '--', 'true'))
    expect(stderr).toContain(message)
    expect(exitCode).toBe(2)
  })

  it('wants a command', async () => {
    const { exitCode, stderr } = await runCli(setup.argv('exec'))
    expect(stderr).toContain("missing required argument 'command'")
    expect(exitCode).toBe(2)
  })
})

const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux')

// `script` of util-linux gives a process a terminal.
describe.skipIf(!hasScript)('vault exec on a terminal (skipped without `script` of util-linux)', () => {
  it('leaves terminal and Ctrl-C to the command, which gets it once', async () => {
    const script = join(setup.directory, 'observer.mjs')
    await writeFile(
      script,
      `let count = 0
       process.on('SIGINT', () => { console.log('interrupts: ' + ++count) })
       process.on('SIGTERM', () => process.exit(count))
       setInterval(() => {}, 1000)
       console.log(['terminal:', process.stdin.isTTY, process.stdout.isTTY, 'parent', process.ppid, '.'].join(' '))`,
    )
    const words = ['exec', process.execPath, bin.path, ...setup.argv('exec', '--', process.execPath, script)]
    const child = start('script', ['-qec', words.join(' '), '/dev/null'], setup.env)
    await child.toPrint(/terminal: true true parent \d+ \./)
    child.process.stdin.write('\u0003')
    await child.toPrint('interrupts: 1')
    child.process.stdin.write('\u0003')
    await child.toPrint('interrupts: 2')
    // Were a forwarded one still to come, it would come before this.
    process.kill(Number(/parent (\d+) \./.exec(child.stdout())?.[1]), 'SIGTERM')
    expect(await child.end).toBe(2)
  })
})
