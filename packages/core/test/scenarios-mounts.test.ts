import { execFileSync } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFakeClock, type FakeKubeletOptions, startFakeKubelet } from '@projected-token/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { createTokenWatcher, type TokenWatcherOptions } from '../src/index.js'
import { AS_NOBODY, IN_NAMESPACE, noNamespaces, noOtherUser, notLinux } from './support/capabilities.js'
import { type ChildWatcher, startChildWatcher } from './support/child-watcher.js'
import { failureOf, next, record, watching } from './support/events.js'
import { claimsOf, unsignedJwt } from './support/jwt.js'

/** What the path leads to, and what the system grants: scenarios 5, 9, 11–15, 22, 23, 29 and 30. */

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function startKubelet(options: FakeKubeletOptions = {}) {
  const kubelet = await startFakeKubelet({ algorithm: 'ES256', autoRotate: false, serve: false, ...options })
  cleanUps.push(() => kubelet.close())
  return kubelet
}

function watch(options: TokenWatcherOptions) {
  const watcher = createTokenWatcher(options)
  cleanUps.push(() => watcher.close())
  return watcher
}

async function watchInChild(options: TokenWatcherOptions, wrapper: string[]): Promise<ChildWatcher> {
  const child = await startChildWatcher(options, wrapper)
  cleanUps.push(() => child.close())
  return child
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'projected-token-'))
  cleanUps.push(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const isState =
  (expected: string) =>
  ({ state }: { state: string }) =>
    state === expected

describe('scenario 5: a tmpfs mounted over the watched directory', () => {
  it('causes no event; a timed read finds what lies there, and the watch moves to it', async ({ skip }) => {
    skip(...noNamespaces)
    const directory = temporaryDirectory()
    const path = join(directory, 'token')
    const startMs = Date.now()
    const tokenOf = (id: string) => unsignedJwt(claimsOf(startMs, 600_000, { jti: id }))
    writeFileSync(path, tokenOf('below'))
    const child = await watchInChild({ path, reloadIntervalMs: 1_000 }, IN_NAMESPACE)
    await child.event('watch', isState('watching'))
    await child.run('mount', '-t', 'tmpfs', 'tmpfs', directory)
    await child.run('sh', '-c', `printf %s '${tokenOf('above')}' > '${path}'`)
    await child.event('rotated')
    expect(await child.getToken()).toEqual({ token: tokenOf('above') })
    // The watch was renewed for the new directory: what changes now is seen, though nothing is due for long.
    const events = child.events().length
    await child.run(
      'sh',
      '-c',
      `printf %s '${tokenOf('again')}' > '${path}.new' && mv '${path}.new' '${path}'`,
    )
    await expect
      .poll(() =>
        child
          .events()
          .slice(events)
          .map(({ name }) => name),
      )
      .toContain('rotated')
  })
})

describe('scenario 9: a subPath or single-file mount', () => {
  it('near expiry gives a typed error that names subPath, and no hot loop', async () => {
    const clock = createFakeClock()
    const kubelet = await startKubelet({ clock, expirationSeconds: 600 })
    const copy = join(temporaryDirectory(), 'token')
    await kubelet.subPathCopy(copy)
    const watcher = watch({ path: copy, clock, watch: false })
    const events = record(watcher)
    await watcher.getToken()
    await clock.advance(600_000)
    expect(await failureOf(watcher.getToken())).toMatchObject({
      code: 'ERR_TOKEN_EXPIRED',
      message: expect.stringContaining('subPath'),
    })
    expect(events).toEqual(['overdue', 'failed', 'expired'])
    const { reads } = watcher.status()
    await clock.advance(3_600_000)
    expect(watcher.status().reads - reads).toBeLessThanOrEqual(3_600)
  })

  it('that is a real bind mount is named as one', async ({ skip }) => {
    skip(...noNamespaces)
    const directory = temporaryDirectory()
    const path = join(directory, 'token')
    const source = join('/dev/shm', `projected-token-${process.pid}`)
    cleanUps.push(() => rmSync(source, { force: true }))
    writeFileSync(path, '')
    writeFileSync(source, unsignedJwt(claimsOf(Date.now() - 10_000, 5_000)))
    const child = await watchInChild({ path, startupTimeoutMs: 0 }, [
      ...IN_NAMESPACE,
      'sh',
      '-c',
      `mount --bind ${source} ${path} && exec "$@"`,
      'sh',
    ])
    await child.event('failed')
    expect(await child.getToken()).toMatchObject({
      code: 'ERR_TOKEN_EXPIRED',
      message: expect.stringContaining('mounted by itself (a subPath or single-file mount)'),
    })
  })
})

describe('scenario 11: a file that may not be read', () => {
  it.for([
    ['chmod 000', 0o000],
    ['0600 of another owner', 0o600],
  ] as const)(
    '%s: keeps the old token, reports once with the remedy, keeps polling',
    async ([, mode], { skip }) => {
      skip(...noOtherUser)
      const kubelet = await startKubelet()
      const child = await watchInChild({ path: kubelet.path, reloadIntervalMs: 1_000 }, AS_NOBODY)
      const old = kubelet.current.token
      expect(await child.getToken()).toEqual({ token: old })
      await child.event('watch', isState('watching'))
      await kubelet.setMode(process.getuid?.() === 0 ? mode : 0)
      const failed = (await child.event('failed')) as { error: { code: string } }
      expect(failed.error.code).toBe('ERR_TOKEN_UNREADABLE')
      await expect.poll(async () => (await child.status()).lastFailure?.count).toBeGreaterThan(1)
      expect(await child.getToken()).toEqual({ token: old })
      expect((await child.status()).lastFailure?.message).toMatch(/fsGroup.*runAsUser/)
      expect(child.events().filter(({ name }) => name === 'failed')).toHaveLength(1)
      await kubelet.setMode(0o644)
      await child.event('recovered')
    },
  )
})

describe('scenario 12: unmount and remount', () => {
  it('serves the old token meanwhile, and watches the new directory afterwards', async () => {
    const kubelet = await startKubelet()
    const watcher = watch({ path: kubelet.path })
    await watching(watcher)
    const { current } = watcher
    const failed = next(watcher, 'failed')
    const recovered = next(watcher, 'recovered')
    await kubelet.remount({
      async onUnmounted() {
        await failed
        expect(await watcher.getToken()).toBe(current)
      },
    })
    await recovered
    await watching(watcher)
    const rotated = next(watcher, 'rotated')
    await kubelet.rotate()
    await rotated
    expect(watcher.current?.token).toBe(kubelet.current.token)
  })

  it('of a real tmpfs is noticed by a timed read', async ({ skip }) => {
    skip(...noNamespaces)
    const directory = temporaryDirectory()
    const path = join(directory, 'token')
    const put = (id: string) =>
      `mount -t tmpfs tmpfs ${directory} && printf %s '${unsignedJwt(claimsOf(Date.now(), 600_000, { jti: id }))}' > ${path}`
    const child = await watchInChild({ path, reloadIntervalMs: 1_000 }, [
      ...IN_NAMESPACE,
      'sh',
      '-c',
      `${put('first')} && exec "$@"`,
      'sh',
    ])
    await child.event('watch', isState('watching'))
    const first = await child.getToken()
    await child.run('umount', '-l', directory)
    await child.event('failed')
    expect(await child.getToken()).toEqual(first)
    await child.run('sh', '-c', put('second'))
    await child.event('rotated')
    await expect.poll(async () => (await child.status()).watch.state).toBe('watching')
  })
})

describe('without a watch', () => {
  it('scenario 13: polling alone suffices (the option stands in for NFS, FUSE and gVisor)', async () => {
    const clock = createFakeClock()
    const kubelet = await startKubelet({ clock, expirationSeconds: 600, autoRotate: true })
    const watcher = watch({ path: kubelet.path, clock, watch: false })
    await watcher.getToken()
    for (let second = 0; second < 6_000; second += 10) {
      await clock.advance(10_000)
      expect(watcher.current?.expiresAtMs).toBeGreaterThan(clock.now())
    }
    expect(watcher.status().rotations).toBe(kubelet.rotations)
    expect(watcher.status().watch).toEqual({ state: 'polling', reason: 'the option watch is false' })
  })

  it.for([
    ['ENOSPC', 'max_inotify_watches'],
    ['EMFILE', 'max_inotify_instances'],
  ] as const)(
    'scenario 14: %s from the watch falls back to polling and says so once',
    async ([code, limit], { skip }) => {
      skip(...noNamespaces)
      const kubelet = await startKubelet()
      const child = await watchInChild({ path: kubelet.path, reloadIntervalMs: 1_000 }, [
        ...IN_NAMESPACE,
        'sh',
        '-c',
        `echo 0 > /proc/sys/user/${limit} && exec "$@"`,
        'sh',
      ])
      const health = (await child.event('watch', isState('polling'))) as { reason: string }
      expect(health.reason).toContain(code)
      await kubelet.rotate()
      await child.event('rotated')
      await kubelet.rotate()
      await expect.poll(async () => (await child.status()).rotations).toBe(2)
      expect(child.events().filter(({ name }) => name === 'watch')).toHaveLength(1)
    },
  )
})

describe('scenario 15: a watch that is silently dead', () => {
  it('is marked degraded by the timed read that finds what it missed, and renewed', async () => {
    // The link that is watched never changes; the file that it leads to does, in a directory that nobody watches.
    const [links, files] = [temporaryDirectory(), temporaryDirectory()]
    const target = join(files, 'target')
    const startMs = Date.now()
    const tokenOf = (id: string) => unsignedJwt(claimsOf(startMs, 600_000, { jti: id }))
    writeFileSync(target, tokenOf('1'))
    symlinkSync(target, join(links, 'token'))
    const watcher = watch({ path: join(links, 'token'), reloadIntervalMs: 1_000 })
    await watching(watcher)
    writeFileSync(`${target}.new`, tokenOf('2'))
    renameSync(`${target}.new`, target)
    await next(watcher, 'rotated')
    expect(await next(watcher, 'watch')).toMatchObject({
      state: 'degraded',
      reason: 'the watch missed a change; a timed read found it',
    })
  })

  it('whose inotify instance is gone is found out, and polling goes on', async ({ skip }) => {
    skip(...notLinux)
    const kubelet = await startKubelet()
    const child = await watchInChild({ path: kubelet.path, reloadIntervalMs: 1_000 }, [])
    await child.event('watch', isState('watching'))
    await child.killInotify()
    await kubelet.rotate()
    await child.event('rotated')
    // Node has one inotify instance for all watches of a process, so that no other can be had here.
    await child.event('watch', isState('polling'))
    await kubelet.rotate()
    await expect.poll(async () => (await child.status()).rotations).toBe(2)
    expect(await child.getToken()).toEqual({ token: kubelet.current.token })
  })
})

describe('hostile files are typed errors, at once', () => {
  const failureOfPath = async (path: string, options: TokenWatcherOptions = {}) =>
    failureOf(watch({ path, startupTimeoutMs: 0, ...options }).reload())

  it('scenario 22: a sparse file of 1 GiB is not read', async () => {
    const path = join(temporaryDirectory(), 'huge')
    writeFileSync(path, 'x')
    truncateSync(path, 2 ** 30)
    const before = process.memoryUsage().rss
    for (let round = 0; round < 20; round++) {
      expect(await failureOfPath(path)).toMatchObject({ code: 'ERR_TOKEN_TOO_LARGE', path })
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20)
  })

  it('scenario 22: a file is read up to maxTokenBytes, even when it hides its size', async () => {
    const path = join(temporaryDirectory(), 'token')
    writeFileSync(path, 'x'.repeat(100))
    expect((await watch({ path, maxTokenBytes: 100 }).getToken()).token).toHaveLength(100)
    expect(await failureOfPath(path, { maxTokenBytes: 99 })).toMatchObject({ code: 'ERR_TOKEN_TOO_LARGE' })
  })

  it('scenario 22: a file of the size 0 that has content is bounded, too', async ({ skip }) => {
    skip(...notLinux)
    expect(await failureOfPath('/proc/self/maps', { maxTokenBytes: 10 })).toMatchObject({
      code: 'ERR_TOKEN_TOO_LARGE',
    })
  })

  it('scenario 29: a directory is no file', async () => {
    expect(await failureOfPath(temporaryDirectory())).toMatchObject({
      code: 'ERR_TOKEN_NOT_A_FILE',
      message: expect.stringContaining('a directory'),
    })
  })

  it('scenario 29: FIFOs block neither the caller nor the thread pool', async ({ skip }) => {
    skip(process.platform === 'win32', 'there are no FIFOs')
    const directory = temporaryDirectory()
    const paths = Array.from({ length: 16 }, (_, index) => join(directory, `fifo-${index}`))
    for (const path of paths) execFileSync('mkfifo', [path])
    const errors = await Promise.all(paths.map((path) => failureOfPath(path)))
    expect(errors.map(({ code }) => code)).toEqual(paths.map(() => 'ERR_TOKEN_NOT_A_FILE'))
  })

  it('scenario 29: devices are no files', async ({ skip }) => {
    skip(process.platform === 'win32', 'there are no device files')
    for (const path of ['/dev/zero', '/dev/null', '/dev/random']) {
      expect(await failureOfPath(path)).toMatchObject({ code: 'ERR_TOKEN_NOT_A_FILE' })
    }
  })

  it('scenario 29: a socket is no file', async () => {
    const path = join(temporaryDirectory(), 'socket')
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(path, resolve))
    cleanUps.push(() => server.close())
    expect(await failureOfPath(path)).toMatchObject({ code: 'ERR_TOKEN_NOT_A_FILE' })
  })

  it('scenario 30: a link loop and a file in the place of a directory are transient', async () => {
    const kubelet = await startKubelet()
    const watcher = watch({ path: kubelet.path })
    await watching(watcher)
    const { current } = watcher
    const failed = next(watcher, 'failed')
    await kubelet.obstruct('link-loop')
    expect((await failed).error).toMatchObject({ code: 'ERR_TOKEN_UNREADABLE', cause: { code: 'ELOOP' } })
    expect(await watcher.getToken()).toBe(current)
    const recovered = next(watcher, 'recovered')
    await kubelet.restore()
    await recovered

    const file = join(temporaryDirectory(), 'file')
    writeFileSync(file, 'x')
    expect(await failureOfPath(join(file, 'token'))).toMatchObject({
      code: 'ERR_TOKEN_UNREADABLE',
      cause: { code: 'ENOTDIR' },
    })
  })

  it('scenario 23: binary content, NUL and inner line ends never reach a caller or a message', async () => {
    const kubelet = await startKubelet()
    const watcher = watch({ path: kubelet.path, watch: false })
    const { token } = await watcher.getToken()
    for (const content of [
      Buffer.from('canary\0canary'),
      'canary\ncanary',
      Buffer.from([0xc0, 0x80, 0xff]),
    ]) {
      await kubelet.writeRaw(content)
      expect((await watcher.reload()).token).toBe(token)
      expect(watcher.status().lastFailure?.code).toBe('ERR_TOKEN_MALFORMED')
      expect(JSON.stringify(watcher.status())).not.toContain('canary')
    }
  })
})
