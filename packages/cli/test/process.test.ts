import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { start, useBuiltCli } from './support/built-cli.js'
import { secret } from './support/run-cli.js'
import { temporaryDirectory, writeFileFor } from './support/token-files.js'

const bin = useBuiltCli()
const cli = (args: string[], env?: Record<string, string>) =>
  start(process.execPath, [bin.path, ...args], env)

async function startKubelet() {
  const kubelet = await startFakeKubelet({ autoRotate: false, serve: false, algorithm: 'ES256', mode: 0o600 })
  onTestFinished(() => kubelet.close())
  secret(kubelet.current.token)
  const rotate = async () => void secret((await kubelet.rotate()).token)
  return { kubelet, rotate }
}

describe('the process', () => {
  it('inspects a real file, and ends with the exit code', async () => {
    const { kubelet } = await startKubelet()
    const good = cli(['inspect', kubelet.path])
    expect(await good.end).toBe(0)
    expect(good.stdout()).toContain('✓ usable: expires in ')
    expect(good.stderr()).toBe('')
    const bad = cli(['inspect', kubelet.path, '--audience', 'other'])
    expect(await bad.end).toBe(1)
  })

  it('is not held by a pipe whose writer writes nothing', async () => {
    const { kubelet } = await startKubelet()
    const fifo = join(await temporaryDirectory(), 'fifo')
    spawnSync('mkfifo', [fifo])
    const child = cli(['inspect', kubelet.path, '--jwks', fifo])
    const writer = await open(fifo, 'w') // as soon as there is a reader
    child.process.kill('SIGINT')
    expect(await child.end).toBe(130)
    await writer.close()
  })

  it.skipIf(!existsSync('/dev/full'))(
    'keeps the exit code of a broken token that cannot be told',
    async () => {
      const child = start('sh', ['-c', `${process.execPath} ${bin.path} doctor /no/such/token > /dev/full`])
      expect(await child.end).toBe(2)
      expect(child.stderr()).toContain('error: The output could not be written: ENOSPC')
    },
  )

  // Skipped where there is no device that is always full.
  it.skipIf(!existsSync('/dev/full'))('says that its output could not be written, and fails', async () => {
    const { kubelet } = await startKubelet()
    const command = `${process.execPath} ${bin.path} inspect ${kubelet.path} > /dev/full`
    const child = start('sh', ['-c', command])
    expect(await child.end).toBe(1)
    expect(child.stderr()).toContain('error: The output could not be written: ENOSPC')
  })

  it('reads keys from a pipe', async () => {
    const { kubelet } = await startKubelet()
    const keys = await writeFileFor(JSON.stringify(kubelet.jwks), 'jwks.json')
    const command = `cat ${keys} | ${process.execPath} ${bin.path} inspect ${kubelet.path} --jwks /dev/stdin --json`
    const child = start('sh', ['-c', command])
    expect(await child.end).toBe(0)
    expect(JSON.parse(child.stdout()).signature.state).toBe('valid')
  })

  it.skipIf(process.platform !== 'linux')('does not wait for keys from a pipe that has ended', async () => {
    const { kubelet } = await startKubelet()
    const command = `true | ${process.execPath} ${bin.path} inspect ${kubelet.path} --jwks /dev/stdin --json`
    const child = start('sh', ['-c', command])
    expect(await child.end).toBe(1)
    expect(JSON.parse(child.stdout()).signature.reason).toBe('nothing was found there')
  })

  it('tells a usage error on stderr, with exit code 2', async () => {
    const child = cli(['--oops'])
    expect(await child.end).toBe(2)
    expect(child.stdout()).toBe('')
    expect(child.stderr()).toContain("error: unknown option '--oops'")
  })

  it('lives while it watches, and ends by itself', async () => {
    const { kubelet, rotate } = await startKubelet()
    const child = cli(['watch', kubelet.path, '--until-rotations', '1'])
    await child.toPrint('state=watching')
    await rotate()
    expect(await child.end).toBe(0)
    expect(child.stdout()).toContain('reason=rotations')
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends cleanly on %s', async (signal, exitCode) => {
    const { kubelet } = await startKubelet()
    const child = cli(['watch', kubelet.path])
    await child.toPrint('started')
    child.process.kill(signal)
    expect(await child.end).toBe(exitCode)
    expect(child.stdout()).toContain(`ended      reason=${signal} state=valid`)
    expect(child.stderr()).toBe('')
  })

  it('ends quietly when its reader has read enough', async () => {
    const { kubelet, rotate } = await startKubelet()
    const child = cli(['watch', kubelet.path, '--json'])
    await child.toPrint('"state":"watching"')
    child.process.stdout.destroy()
    await rotate()
    expect(await child.end).toBe(0)
    expect(child.stderr()).toBe('')
  })

  it('does not repeat the warnings of the library', async () => {
    const { kubelet } = await startKubelet()
    secret((await kubelet.legacyToken()).token)
    const child = cli(['watch', kubelet.path, '--timeout', '300ms'])
    expect(await child.end).toBe(0)
    expect(child.stdout()).toContain('warnings=LEGACY_TOKEN')
    expect(child.stderr()).toBe('')
  })

  it('leaves no file behind after a demo', async () => {
    const TMPDIR = await temporaryDirectory()
    const child = cli(['demo', '--duration', '1500ms', '--rotate-every', '1s'], { TMPDIR })
    await child.toPrint('rotation 1')
    expect(await readdir(TMPDIR)).toHaveLength(1)
    expect(await child.end).toBe(0)
    expect(await readdir(TMPDIR)).toEqual([])
    expect(child.stderr()).toBe('')
  })

  it('leaves no file behind when Ctrl-C ends a demo, even if it arrives twice', async () => {
    const TMPDIR = await temporaryDirectory()
    const child = cli(['demo', '--rotate-every', '500ms'], { TMPDIR })
    await child.toPrint('rotation 1')
    child.process.kill('SIGINT')
    child.process.kill('SIGINT')
    expect(await child.end).toBe(130)
    expect(child.stdout()).toContain('until it was interrupted')
    expect(await readdir(TMPDIR)).toEqual([])
  })

  it('says what it needs when a demo cannot start', async () => {
    const child = cli(['demo'], { TMPDIR: '/nonexistent' })
    expect(await child.end).toBe(1)
    expect(child.stderr()).toContain('error: The demo could not start: ENOENT')
    expect(child.stderr()).toContain('code   ERR_DEMO_START')
  })
})

const hasScript = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux')

// `script` of util-linux gives a process a terminal.
describe.skipIf(!hasScript)('on a terminal (skipped without `script` of util-linux)', () => {
  const onTerminal = (args: string) =>
    start('script', ['-qec', `exec ${process.execPath} ${bin.path} ${args}`, '/dev/null'])

  it('watch counts down in place, and gives the cursor back', async () => {
    const { kubelet, rotate } = await startKubelet()
    const child = onTerminal(`watch ${kubelet.path} --until-rotations 1`)
    await child.toPrint(/valid.*expires in .*rotation due in /)
    await child.toPrint('state=watching')
    await rotate()
    expect(await child.end).toBe(0)
    expect(child.stdout()).toMatch(/^\u001b\[\?25l/)
    expect(child.stdout()).toContain('\r\u001b[1A\u001b[0J')
    expect(child.stdout()).toContain('\u001b[32mrotated')
    expect(child.stdout().endsWith('\u001b[?25h')).toBe(true)
  })

  it('Ctrl-C ends the demo with its sum, and gives the cursor back', async () => {
    const child = onTerminal('demo --rotate-every 500ms')
    await child.toPrint(/[1-9] rotations/)
    child.process.stdin.write('\u0003')
    expect(await child.end).toBe(130)
    expect(child.stdout()).toMatch(/\u001b\[\?25h[^\u001b]*rotations and /)
    expect(child.stdout()).toContain('until it was interrupted')
  })
})
