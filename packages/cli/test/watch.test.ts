import { type Clock, systemClock } from '@projected-token/core'
import { createFakeClock, startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runCli, secret, startCli } from './support/run-cli.js'
import { boundClaims, createIssuer, temporaryDirectory, writeFileFor } from './support/token-files.js'

async function startKubelet(options: Parameters<typeof startFakeKubelet>[0] = {}) {
  const kubelet = await startFakeKubelet({ autoRotate: false, serve: false, algorithm: 'ES256', ...options })
  onTestFinished(() => kubelet.close())
  secret(kubelet.current.token)
  const rotate = async () => void secret((await kubelet.rotate()).token)
  return { kubelet, rotate }
}

const ISO = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`

describe('watch', () => {
  it('tells what is there, each rotation, and why it ended', async () => {
    const { kubelet, rotate } = await startKubelet()
    const cli = startCli(['watch', kubelet.path, '--until-rotations', '2'])
    await cli.toPrint('state=watching')
    await rotate()
    await cli.toPrint('rotated')
    await rotate()
    expect(await cli.exitCode).toBe(0)
    const lines = cli.stdout().trimEnd().split('\n')
    const token = `fingerprint=([0-9a-f]{12}) expires=${ISO} rotation-due=${ISO}`
    const [, first] =
      new RegExp(`^${ISO}  started    ${token} path=${kubelet.path}$`).exec(lines[0] ?? '') ?? []
    expect(lines[1]).toMatch(new RegExp(`^${ISO}  watch      state=watching directory=${kubelet.directory}$`))
    const [, second] =
      new RegExp(`^${ISO}  rotated    ${token} previous=${first}$`).exec(lines[2] ?? '') ?? []
    expect(lines[3]).toMatch(new RegExp(`^${ISO}  rotated    ${token} previous=${second}$`))
    expect(lines[4]).toMatch(
      new RegExp(`^${ISO}  ended      reason=rotations state=valid reads=\\d+ rotations=2$`),
    )
    expect(lines).toHaveLength(5)
    expect(cli.stderr()).toBe('')
  })

  it('prints one JSON object a line', async () => {
    const { kubelet, rotate } = await startKubelet({ audience: 'vault' })
    const cli = startCli(['watch', kubelet.path, '--json', '--audience', 'vault', '--until-rotations', '1'])
    await cli.toPrint('"state":"watching"')
    await rotate()
    expect(await cli.exitCode).toBe(0)
    const events = cli
      .stdout()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events.map(({ event }) => event)).toEqual(['started', 'watch', 'rotated', 'ended'])
    const [started, , rotated, ended] = events
    expect(started.status).toMatchObject({
      path: kubelet.path,
      state: 'valid',
      token: { kind: 'bound', audience: ['vault'], subject: 'system:serviceaccount:default:build-robot' },
      overdue: false,
      rotations: 0,
      lastFailure: null,
    })
    expect(rotated.previousFingerprint).toBe(started.status.token.fingerprint)
    expect(rotated.status.rotations).toBe(1)
    expect(ended).toMatchObject({ reason: 'rotations', status: { state: 'valid' } })
  })

  it('says that the file is missing, and goes on when it is there', async () => {
    const directory = `${await temporaryDirectory()}/volume`
    const cli = startCli(['watch', `${directory}/token`, '--until-rotations', '1'])
    await cli.toPrint(`waiting    code=ERR_TOKEN_NOT_FOUND Token file '${directory}/token' does not exist.`)
    const { rotate } = await startKubelet({ directory })
    await cli.toPrint(/recovered {2}fingerprint=[0-9a-f]{12} .* failures=\d+/)
    await cli.toPrint(`state=watching directory=${directory}`)
    await rotate()
    expect(await cli.exitCode).toBe(0)
  })

  it('says why it does not take a token', async () => {
    const { kubelet } = await startKubelet({ audience: 'vault' })
    const cli = startCli(['watch', kubelet.path, '--audience', 'consul'])
    await cli.toPrint(/waiting {4}code=ERR_TOKEN_AUDIENCE .* audience is \["vault"\], not "consul"/)
    cli.interrupt('SIGINT')
    expect(await cli.exitCode).toBe(130)
  })

  it('tells of a failure, and that it is over, while the token is good', async () => {
    const { kubelet, rotate } = await startKubelet()
    const cli = startCli(['watch', kubelet.path])
    await cli.toPrint('state=watching')
    await kubelet.remove()
    await cli.toPrint('failed     code=ERR_TOKEN_NOT_FOUND')
    await kubelet.restore()
    await cli.toPrint(/recovered .*failures=/)
    await rotate()
    cli.interrupt('SIGTERM')
    expect(await cli.exitCode).toBe(143)
    expect(cli.stdout()).toContain('reason=SIGTERM state=valid')
  })

  it('ends after the timeout: well with a valid token', async () => {
    const { kubelet } = await startKubelet()
    const { exitCode, stdout } = await runCli(['watch', kubelet.path, '--timeout', '200ms'])
    expect(stdout).toContain('ended      reason=timeout state=valid')
    expect(exitCode).toBe(0)
  })

  it('says what is there before it ends, however short the timeout is', async () => {
    const { kubelet } = await startKubelet()
    // The time is up before the file system has answered.
    const clock: Clock = {
      ...systemClock,
      setTimer(callback, delayMs, options) {
        if (delayMs > 0) return systemClock.setTimer(callback, delayMs, options)
        queueMicrotask(callback)
        return () => {}
      },
    }
    const there = await runCli(['watch', kubelet.path, '--timeout', '0'], { clock })
    expect(there.stdout).toMatch(/^\S+ {2}started .*\n(?:.*\n)?\S+ {2}ended {6}reason=timeout state=valid/)
    expect(there.exitCode).toBe(0)
    const path = `${await temporaryDirectory()}/token`
    const missing = await runCli(['watch', path, '--timeout', '0'], { clock })
    expect(missing.stdout).toMatch(/^\S+ {2}waiting .*\n(?:.*\n)?\S+ {2}ended {6}reason=timeout/)
    expect(missing.exitCode).toBe(1)
  })

  it('ends after the timeout: badly without a token, or without the rotations', async () => {
    const path = `${await temporaryDirectory()}/token`
    const missing = await runCli(['watch', path, '--timeout', '200ms'])
    expect(missing.exitCode).toBe(1)
    const { kubelet } = await startKubelet()
    const quiet = await runCli(['watch', kubelet.path, '--timeout', '200ms', '--until-rotations', '1'])
    expect(quiet.exitCode).toBe(1)
  })

  it('only reads from time to time with --no-watch', async () => {
    const { kubelet, rotate } = await startKubelet()
    const argv = ['watch', kubelet.path, '--no-watch', '--reload-interval', '1s', '--until-rotations', '1']
    const cli = startCli(argv)
    await cli.toPrint('started')
    await rotate()
    expect(await cli.exitCode).toBe(0)
    expect(cli.stdout()).not.toContain('state=watching')
  })

  it('tells that a token is overdue, and that it expired', async () => {
    const clock = createFakeClock()
    const path = await writeFileFor(await (await createIssuer()).sign(boundClaims(clock.now(), 0, 600)))
    const cli = startCli(['watch', path, '--no-watch', '--timeout', '700s'], { clock })
    await cli.toPrint('started')
    await clock.advance(700_000)
    expect(await cli.exitCode).toBe(1)
    expect(cli.stdout()).toMatch(/overdue {4}fingerprint=[0-9a-f]{12} rotation-due=2026-01-01T00:08:00\.000Z/)
    expect(cli.stdout()).toMatch(/expired {4}fingerprint=[0-9a-f]{12} expired=2026-01-01T00:10:00\.000Z/)
    expect(cli.stdout()).toContain('ended      reason=timeout state=expired')
  })

  it('counts down on a terminal, below the events', async () => {
    const clock = createFakeClock()
    const path = await writeFileFor(await (await createIssuer()).sign(boundClaims(clock.now(), 0, 600)))
    const env = { NO_COLOR: '1' }
    const cli = startCli(['watch', path, '--no-watch', '--timeout', '10s'], { clock, tty: true, env })
    await cli.toPrint('started')
    await clock.advance(10_000)
    expect(await cli.exitCode).toBe(0)
    const frames = cli.stdout().split('\r\u001b[1A\u001b[0J')
    expect(frames[0]).toBe('\u001b[?25lstarting · polling · 1 read · 0 rotations\n')
    expect(frames[1]).toMatch(/^2026-01-01T00:00:00\.000Z {2}started /)
    const countdown = (seconds: number) =>
      new RegExp(
        `^valid · [0-9a-f]{12} · expires in 9 min ${seconds} s · rotation due in 7 min ${seconds} s · polling · \\d+ rea`,
      )
    for (let second = 1; second <= 9; second++) {
      expect(frames.some((frame) => countdown(60 - second).test(frame))).toBe(true)
    }
    expect(frames.at(-1)).toBe('\u001b[?25h')
  })
})
