import { mkdir, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTokenWatcher, systemClock } from '@projected-token/core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSinks } from '../src/sinks/create-sinks.js'
import { createRun, makeDirectory, PATIENT, setUp, startVault } from './sinks-setup.js'

const read = (path: string) => readFile(path, 'utf8')

describe('a sink of a projected token', () => {
  it('holds the token when start() is over', async () => {
    const { path, kubelet, results } = await setUp([{ mode: 0o640 }])
    expect(await read(path)).toBe(kubelet.current.token)
    expect((await stat(path)).mode & 0o7777).toBe(0o640)
    expect(results).toEqual([true])
  })

  it('follows each rotation', async () => {
    const { path, kubelet, results } = await setUp([{}])
    for (let rotation = 1; rotation <= 3; rotation++) {
      const { token } = await kubelet.rotate()
      await expect.poll(() => read(path), PATIENT).toBe(token)
    }
    await expect.poll(() => results, PATIENT).toEqual([true, true, true, true])
  })

  it('is JSON with the expiry, if so wanted', async () => {
    const { path, watcher } = await setUp([{ format: 'json' }])
    const { token, expiresAtMs } = await watcher.getToken()
    const expiresAt = new Date(expiresAtMs as number).toISOString()
    expect(JSON.parse(await read(path))).toEqual({
      name: 'app',
      kind: 'projected',
      token,
      expiresAtMs,
      expiresAt,
    })
  })

  it('is not touched when it holds the token already, as after a restart', async () => {
    const { path, source, directory, sinks } = await setUp([{}])
    await sinks.close()
    await utimes(path, 1, 1)
    const next = createRun(directory, [{}], source)
    await next.sinks.start()
    expect((await stat(path)).mtimeMs).toBe(1_000)
    expect(next.results).toEqual([true])
    expect(next.messages()).toEqual([])
    await next.sinks.close()
  })

  it('gets a token that came late: start() waits for none', async () => {
    const directory = await makeDirectory()
    const { kubelet } = await setUp([])
    const late = join(directory, 'late')
    const watcher = createTokenWatcher({ path: late, startupTimeoutMs: 0, reloadIntervalMs: 1_000 })
    onTestFinished(() => watcher.close())
    await expect(watcher.getToken()).rejects.toMatchObject({ code: 'ERR_TOKEN_NOT_FOUND' })
    const run = createRun(directory, [{}], { kind: 'projected', name: 'app', provider: watcher })
    onTestFinished(() => run.sinks.close())
    await run.sinks.start()
    expect(await readdir(directory)).toEqual([])
    await writeFile(`${late}.new`, kubelet.current.token)
    await rename(`${late}.new`, late)
    await expect.poll(() => read(run.path).catch(() => ''), PATIENT).toBe(kubelet.current.token)
  })

  it('stays when the sinks are closed, and follows no more', async () => {
    const { path, kubelet, watcher, sinks } = await setUp([{}])
    const { token } = kubelet.current
    await sinks.close()
    const rotated = new Promise((resolve) => watcher.once('rotated', resolve))
    await kubelet.rotate()
    await rotated
    expect(await read(path)).toBe(token)
  })

  it('tells a missing directory once, with the remedy, and is written when it is there', async () => {
    const { directory, source } = await setUp([])
    const path = join(directory, 'later', 'token')
    const run = createRun(directory, [{ path }], source)
    onTestFinished(() => run.sinks.close())
    await run.sinks.start()
    expect(run.lines).toMatchObject([{ level: 50, sink: path, code: 'ERR_SINK_DIRECTORY' }])
    expect(run.messages()[0]).toContain('Mount a volume there, or create the directory')
    await mkdir(join(directory, 'later'))
    await expect.poll(() => read(path).catch(() => ''), PATIENT).toBe(source.provider.current?.token)
    expect(run.lines.filter(({ level }) => level === 50)).toHaveLength(1)
    await expect.poll(() => run.results.at(-1), PATIENT).toBe(true)
  })

  it('does not keep another sink from its token when it is a symbolic link', async () => {
    const { directory, sinks, kubelet, results, lines } = await setUp([{}, {}], { isStarted: false })
    await writeFile(join(directory, 'target'), 'precious')
    await symlink(join(directory, 'target'), join(directory, 'token'))
    await sinks.start()
    expect(await read(join(directory, 'token-1'))).toBe(kubelet.current.token)
    expect(await read(join(directory, 'target'))).toBe('precious')
    expect(results.toSorted()).toEqual([false, true])
    expect(lines).toContainEqual(expect.objectContaining({ level: 50, code: 'ERR_SINK_LINK' }))
  })

  it('is told in no log by its content', async () => {
    const { kubelet, lines, toLog } = await setUp([{}])
    const first = kubelet.current.token
    const second = (await kubelet.rotate()).token
    await toLog('has been written', 2)
    for (const secret of [first, second]) expect(JSON.stringify(lines)).not.toContain(secret.slice(-20))
  })
})

describe('a sink of a Vault token', () => {
  it('holds the token of each login', async () => {
    const { provider, source, issued } = await startVault(3_600)
    const { sinks, path } = createRun(await makeDirectory(), [{}], source)
    onTestFinished(() => sinks.close())
    await sinks.start()
    await expect.poll(() => read(path).catch(() => ''), PATIENT).toBe('hvs.CAESI-secret-of-the-sinks-1')
    await provider.login()
    await expect.poll(() => read(path), PATIENT).toBe('hvs.CAESI-secret-of-the-sinks-2')
    expect(issued).toHaveLength(2)
  })

  it('stays as it is at a renewal, but for the expiry in JSON; what somebody removed is there again', async () => {
    const { provider, source, address } = await startVault(2)
    const run = createRun(await makeDirectory(), [{}, { format: 'json' }], source)
    onTestFinished(() => run.sinks.close())
    await provider.getToken()
    await run.sinks.start()
    const json = join(run.directory, 'token-1')
    const parsed = async () => JSON.parse(await read(json))
    const first = await parsed()
    expect(first).toEqual({
      name: 'secrets',
      kind: 'vault',
      token: 'hvs.CAESI-secret-of-the-sinks-1',
      expiresAtMs: expect.any(Number),
      expiresAt: new Date(first.expiresAtMs).toISOString(),
      accessor: 'accessor-1',
      policies: ['default'],
      renewable: true,
      leaseMs: 2_000,
      address,
      namespace: null,
    })
    await utimes(run.path, 1, 1)
    await expect.poll(async () => (await parsed()).expiresAtMs, PATIENT).toBeGreaterThan(first.expiresAtMs)
    expect((await parsed()).token).toBe(first.token)
    expect((await stat(run.path)).mtimeMs).toBe(1_000)
    await rm(run.path)
    await expect.poll(() => read(run.path).catch(() => ''), PATIENT).toMatch(/^hvs\./)
  })
})

describe('a wrong sink', () => {
  const options = { clock: systemClock, log: undefined as never }
  const spec = {
    source: { kind: 'vault', name: 'app' },
    path: '/run/token',
    mode: 0o600,
    format: 'token',
  } as const

  it('names a token that is there, under its kind', async () => {
    const { source } = await setUp([])
    expect(() => createSinks([spec], [source], options)).toThrow("the vault token 'app', which there is not")
  })

  it('has a path of its own', async () => {
    const { source } = await setUp([])
    const specs = [
      { ...spec, source },
      { ...spec, source, path: '/run/../run/token' },
    ]
    expect(() => createSinks(specs, [source], options)).toThrow("Two sinks write '/run/token'")
  })
})
