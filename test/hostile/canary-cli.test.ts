import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeJwt, makeOpaque, makeVaultToken } from './canary/canaries.js'
import { createCollector } from './canary/collector.js'
import { makeDirectory, run, start, useProgram } from './canary/programs.js'
import { readCommandLines, readEnvironment } from './canary/readers.js'
import { quotes, quotesInPage, startVaultServer } from './canary/vault-server.js'

const LONG = { timeout: 300_000 }
const cli = useProgram('cli')

async function startKubelet(hide: (name: string, value: string) => string) {
  const kubelet = await startFakeKubelet({ algorithm: 'ES256', autoRotate: false, mode: 0o600 })
  onTestFinished(() => kubelet.close())
  hide('the first token', kubelet.current.token)
  return kubelet
}

describe('the command line shows no token', () => {
  it('in what it says of good and bad files', LONG, async () => {
    const seen = createCollector()
    const kubelet = await startKubelet(seen.hide)
    const path = join(await makeDirectory(), 'token')
    const contents = [
      makeJwt({ exp: 1 }),
      makeJwt({ aud: 1 }),
      makeOpaque(),
      `${makeJwt()}\n${makeJwt()}`,
      `${makeJwt()}.`,
    ]
    const commands = [
      ['inspect'],
      ['inspect', '--json'],
      ['doctor', '--no-probe', '--json'],
      ['doctor', '--no-probe'],
    ]
    for (const [name, ...more] of commands as [string, ...string[]][]) {
      const good = await run(cli.path, [name, kubelet.path, '--jwks', kubelet.jwksUrl as string, ...more])
      seen.text(`${name} ${more}, of a good token`, good.output)
    }
    for (const [index, content] of contents.entries()) {
      for (const one of content.split('\n')) seen.hide('a bad token', one)
      await writeFile(path, content)
      const [name, ...more] = commands[index % commands.length] as [string, ...string[]]
      // The keys are in the wrong place too: what is no key set must not be quoted.
      seen.text(
        `${name}, of a bad one`,
        (await run(cli.path, [name, path, '--jwks', path, '-a', 'other', ...more])).output,
      )
    }
    expect(seen.judge()).toBe(commands.length + contents.length)
  })

  it.each([[[]], [['--json']]])('while it watches rotations and failures: %j', LONG, async (flags) => {
    const seen = createCollector()
    const kubelet = await startKubelet(seen.hide)
    const watching = start(cli.path, ['watch', kubelet.path, '--until-rotations', '1', ...flags])
    await watching.toWrite(/watching/)
    await kubelet.writeRaw(
      `${seen.hide('what lay there', makeJwt())} ${seen.hide('what lay there', makeOpaque())}`,
    )
    await watching.toWrite(/ERR_TOKEN_MALFORMED/)
    seen.hide('the second token', (await kubelet.rotate()).token)
    seen.text('the command lines', await readCommandLines())
    expect(await watching.end).toBe(0)
    seen.text('watch', watching.output())
    expect(seen.judge()).toBe(2)
  })

  it.each([
    ['words that quote it', quotes(403)],
    ['a page that quotes it', quotesInPage(502)],
    ['no usable token', quotes(200)],
  ])('when Vault answers a login with %s', LONG, async (_what, answer) => {
    const seen = createCollector()
    const vault = await startVaultServer(seen.hide)
    vault.answer = answer
    const path = join(await makeDirectory(), 'jwt')
    await writeFile(path, seen.hide('the JWT', makeJwt()))
    const place = ['--role', 'app', '--token-path', path, '--timeout', '1s']
    const env = { VAULT_ADDR: vault.address, VAULT_TOKEN: seen.hide('an inherited token', makeVaultToken()) }
    for (const argv of [
      ['vault', 'login', ...place],
      ['vault', 'login', '--json', ...place],
      ['vault', 'agent', '--sink', `${path}.sink`, '--json', ...place],
      ['vault', 'exec', ...place, '--', 'true'],
      ['doctor', path, '--no-probe', '--vault', '--role', 'app', '--json'],
    ]) {
      const { exitCode, output } = await run(cli.path, argv, env)
      expect(exitCode, argv.join(' ')).not.toBe(0)
      seen.text(argv.join(' '), output)
    }
    expect(seen.judge()).toBe(5)
  })

  it.each([[[]], [['--json']]])(
    'in the log of an agent, its arguments and its commands: %j',
    LONG,
    async (flags) => {
      const seen = createCollector()
      const vault = await startVaultServer(seen.hide)
      vault.leaseSeconds = 1
      const directory = await makeDirectory()
      const at = (name: string) => join(directory, name)
      await writeFile(at('jwt'), seen.hide('the JWT', makeJwt()))
      const env = {
        VAULT_ADDR: vault.address,
        VAULT_TOKEN: seen.hide('an inherited token', makeVaultToken()),
      }
      const notify = `tr '\\0' '\\n' < /proc/self/environ > ${at('seen')}.tmp; mv ${at('seen')}.tmp ${at('seen')}`
      const argv = [
        'vault',
        'agent',
        '--role',
        'app',
        '--token-path',
        at('jwt'),
        '--sink',
        at('sink'),
        '--notify',
        notify,
        ...flags,
      ]
      const agent = start(cli.path, argv, env)
      await expect
        .poll(() => readFile(at('seen'), 'utf8').catch(() => ''), { timeout: 200_000 })
        .toContain('PROJECTED_TOKEN_EVENT')
      seen.text('the command lines', await readCommandLines())
      seen.text('the environment of a command that is told', await readFile(at('seen'), 'utf8'))
      vault.answer = quotes(403)
      await agent.toWrite(/ERR_VAULT_/)
      agent.child.kill('SIGTERM')
      expect(await agent.end).toBe(0)
      seen.text('the log of an agent', agent.output())
      // It is where it belongs, so the test would have seen it elsewhere.
      expect(seen.detector.find(await readFile(at('sink')))).not.toEqual([])
      expect(seen.judge()).toBe(3)
    },
  )

  it('to a child of exec, but for the Vault token that it is given', LONG, async () => {
    const seen = createCollector()
    const vault = await startVaultServer(() => {})
    const directory = await makeDirectory()
    const path = join(directory, 'jwt')
    await writeFile(path, seen.hide('the JWT', makeJwt()))
    const env = { VAULT_ADDR: vault.address, VAULT_TOKEN: seen.hide('an inherited token', makeVaultToken()) }
    const child = start(
      cli.path,
      [
        'vault',
        'exec',
        '--role',
        'app',
        '--token-path',
        path,
        '--',
        'sh',
        '-c',
        'echo pid=$$; exec sleep 600',
      ],
      env,
    )
    await child.toWrite(/pid=\d+/)
    const pid = Number(/pid=(\d+)/.exec(child.output())?.[1])
    const environment = await readEnvironment(pid)
    expect(environment).toContain('VAULT_TOKEN=hvs.')
    seen.text('the environment of a child', environment)
    seen.text('the command lines', await readCommandLines())
    seen.text('what exec says', child.output())
    child.child.kill('SIGTERM')
    await child.end
    expect(seen.judge()).toBe(3)
  })
})
