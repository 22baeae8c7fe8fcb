import { execFile } from 'node:child_process'
import { mkdirSync, promises, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inspect, promisify } from 'node:util'
import { createFakeClock, describeTokenProviderContract, startFakeKubelet } from '@projected-token/testing'
import { build } from 'esbuild'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createTokenWatcher, type TokenWatcherOptions } from '../src/index.js'
import { failureOf, next, record, watching } from './support/events.js'
import { claimsOf, unsignedJwt } from './support/jwt.js'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function setUp(options: TokenWatcherOptions = {}) {
  const clock = createFakeClock()
  const kubelet = await startFakeKubelet({ clock, algorithm: 'ES256', serve: false, autoRotate: false })
  cleanUps.push(() => kubelet.close())
  const watcher = createTokenWatcher({ path: kubelet.path, clock, watch: false, ...options })
  cleanUps.push(() => watcher.close())
  return { clock, kubelet, watcher }
}

describeTokenProviderContract({ describe, it }, 'a token watcher is a TokenProvider', async () => {
  const clock = createFakeClock()
  const kubelet = await startFakeKubelet({ clock, algorithm: 'ES256', serve: false, autoRotate: false })
  const watcher = createTokenWatcher({ path: kubelet.path, clock, watch: false })
  return {
    provider: watcher,
    now: clock.now,
    async rotate() {
      await kubelet.rotate()
    },
    async fail() {
      await kubelet.remove()
      await watcher.reload().catch(() => {})
    },
    async recover() {
      await kubelet.rotate()
      await watcher.reload()
    },
    async expire() {
      await clock.advance(2 * 3_600_000)
    },
    looks: () => watcher.status().reads,
    async close() {
      await watcher.close()
      await kubelet.close()
    },
  }
})

describe('rule 1: one reload at a time', () => {
  it('10,000 callers before the first token cause one read', async () => {
    const { watcher } = await setUp()
    const answers = await Promise.all(Array.from({ length: 10_000 }, () => watcher.getToken()))
    expect(new Set(answers).size).toBe(1)
    expect(watcher.status().reads).toBe(1)
  })

  it('requests during a read are merged into one more', async () => {
    const { watcher } = await setUp()
    await watcher.getToken()
    const { reads } = watcher.status()
    await Promise.all(Array.from({ length: 1_000 }, () => watcher.reload()))
    expect(watcher.status().reads - reads).toBe(2)
  })

  it('a read that hangs keeps no caller waiting while the token is valid, and ends in a typed failure', async () => {
    const { clock, watcher } = await setUp()
    const token = await watcher.getToken()
    const hanging = vi.spyOn(promises, 'open').mockReturnValue(new Promise(() => {}))
    cleanUps.push(() => hanging.mockRestore())
    await clock.advance(300_000)
    expect(watcher.current).toBe(token)
    await clock.advance(9_000)
    expect(await watcher.getToken()).toBe(token)
    await clock.advance(1_000)
    expect(watcher.status().lastFailure).toMatchObject({ code: 'ERR_TOKEN_UNREADABLE' })
    expect(watcher.current).toBe(token)
    await clock.advance(600_000)
    expect(hanging).toHaveBeenCalledTimes(1)
  })

  it("one caller's abort fails neither the others nor the read", async () => {
    const { watcher } = await setUp()
    const controller = new AbortController()
    const aborted = watcher.reload({ signal: controller.signal })
    const other = watcher.reload()
    controller.abort()
    expect((await failureOf(aborted)).name).toBe('AbortError')
    expect((await other).token).toMatch(/^eyJ/)
    expect((await failureOf(watcher.getToken({ signal: AbortSignal.abort() }))).name).toBe('AbortError')
    expect(await failureOf(watcher.reload({ signal: {} as AbortSignal }))).toBeInstanceOf(TypeError)
  })
})

describe('rule 2: a good token is never given up for a worse one', () => {
  it('a failure is an event and a status, not an error of a caller, while the token is valid', async () => {
    const { clock, kubelet, watcher } = await setUp()
    const token = await watcher.getToken()
    const events = record(watcher)
    await kubelet.remove()
    expect(await watcher.reload()).toBe(token)
    await clock.advance(120_000)
    expect(await watcher.getToken()).toBe(token)
    expect(events).toEqual(['failed'])
    expect(watcher.status().lastFailure).toMatchObject({
      code: 'ERR_TOKEN_NOT_FOUND',
      sinceMs: clock.now() - 120_000,
      ongoing: true,
    })
    await kubelet.restore()
    await watcher.reload()
    expect(events).toEqual(['failed', 'recovered'])
  })

  it('counts each failed read and each refused candidate once, by its code, and never forgets one', async () => {
    const { kubelet, watcher } = await setUp({ audience: 'vault' })
    await watcher.getToken()
    expect(watcher.status().failures).toEqual({})
    const { failures: before } = watcher.status()
    await kubelet.writeRaw('')
    await watcher.reload()
    await watcher.reload()
    await kubelet.wrongAudience()
    await watcher.reload()
    expect(watcher.status().lastFailure).toMatchObject({ code: 'ERR_TOKEN_AUDIENCE', count: 3 })
    await kubelet.rotate()
    await watcher.reload()
    await kubelet.writeRaw('')
    await watcher.reload()
    const { failures, reads } = watcher.status()
    expect(failures).toEqual({ ERR_TOKEN_EMPTY: 3, ERR_TOKEN_AUDIENCE: 1 })
    expect(reads).toBe(6)
    expect(before).toEqual({})
  })
})

describe('rule 5: the hot path does nothing', () => {
  it('a valid token is the same object and the same promise each time, without a read', async () => {
    const { watcher } = await setUp()
    const token = await watcher.getToken()
    const { reads } = watcher.status()
    for (let call = 0; call < 1_000; call++) {
      expect(watcher.current).toBe(token)
      expect(watcher.getToken()).toBe(watcher.getToken())
    }
    expect(watcher.status().reads).toBe(reads)
  })
})

describe('rule 8: secrets stay secret', () => {
  it('status, events and errors do not hold the token', async () => {
    const { clock, kubelet, watcher } = await setUp()
    const shown: unknown[] = []
    for (const name of ['rotated', 'failed', 'recovered', 'overdue', 'expired'] as const) {
      watcher.on(name, (payload) => shown.push(name, payload))
    }
    await watcher.getToken()
    await kubelet.rotate()
    await watcher.reload()
    await kubelet.writeRaw(`${kubelet.current.token}\n${kubelet.current.token}`)
    await watcher.reload()
    await clock.advance(2 * 3_600_000)
    shown.push(watcher, watcher.status(), await failureOf(watcher.getToken()))
    expect(shown).toContain('expired')
    const text = `${JSON.stringify(shown)}${inspect(shown, { depth: 20, showHidden: true })}`
    const signature = kubelet.current.token.split('.')[2] as string
    expect(text).not.toContain(signature)
    expect(inspect(kubelet.current.token)).toContain(signature)
  })

  it('a fingerprint tells tokens apart', async () => {
    const { kubelet, watcher } = await setUp()
    await watcher.getToken()
    const first = watcher.status().token?.fingerprint
    expect(first).toMatch(/^[0-9a-f]{12}$/)
    await kubelet.rotate()
    await watcher.reload()
    expect(watcher.status().token?.fingerprint).not.toBe(first)
  })
})

describe('events', () => {
  it('a listener that throws or rejects is a process warning, and harms nobody else', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    cleanUps.push(() => warned.mockRestore())
    const { kubelet, watcher } = await setUp()
    await watcher.getToken()
    watcher.on('rotated', () => {
      throw new Error('thrown')
    })
    watcher.on('rotated', (async () => {
      throw new Error('rejected')
    }) as () => void)
    const rotated = next(watcher, 'rotated')
    await kubelet.rotate()
    await watcher.reload()
    await rotated
    expect(warned.mock.calls.map(([message]) => String(message))).toEqual([
      expect.stringContaining('Error: thrown'),
      expect.stringContaining('Error: rejected'),
    ])
  })

  it('survive a listener that throws what cannot even be printed', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    cleanUps.push(() => warned.mockRestore())
    const { kubelet, watcher } = await setUp()
    await watcher.getToken()
    watcher.on('rotated', () => {
      throw Object.create(null)
    })
    const events = record(watcher)
    for (let rotation = 1; rotation <= 2; rotation++) {
      await kubelet.rotate()
      await watcher.reload()
    }
    expect(events).toEqual(['rotated', 'rotated'])
    expect(warned).toHaveBeenCalledTimes(2)
  })

  it('end with off(), and once() hears one', async () => {
    const { kubelet, watcher } = await setUp()
    await watcher.getToken()
    const heard: string[] = []
    const always = () => heard.push('on')
    watcher.on('rotated', always).once('rotated', () => heard.push('once'))
    await kubelet.rotate()
    await watcher.reload()
    watcher.off('rotated', always)
    await kubelet.rotate()
    await watcher.reload()
    expect(heard).toEqual(['on', 'once'])
  })

  it('that do not exist are a TypeError', async () => {
    const { watcher } = await setUp()
    expect(() => watcher.on('rotate' as 'rotated', () => {})).toThrow(/no event 'rotate'.*rotated/)
    expect(() => watcher.on('rotated', 5 as unknown as () => void)).toThrow(TypeError)
  })

  it('find the state complete: a listener may use the token, or close the watcher', async () => {
    const { kubelet, watcher } = await setUp()
    await watcher.getToken()
    const seen = new Promise((resolve) => {
      watcher.on('rotated', async ({ token }) => {
        resolve(watcher.current === token && watcher.status().rotations === 1)
        await watcher.close()
      })
    })
    await kubelet.rotate()
    await watcher.reload().catch(() => {})
    expect(await seen).toBe(true)
    expect(watcher.status().state).toBe('closed')
  })
})

describe('what is watched', () => {
  async function setUpPlain() {
    const directory = await mkdtemp(join(tmpdir(), 'projected-token-'))
    cleanUps.push(() => rm(directory, { recursive: true, force: true }))
    const path = join(directory, 'tokens', 'token')
    let issued = 0
    const put = () => {
      issued++
      const token = unsignedJwt(claimsOf(Date.now(), 7_200_000, { jti: String(issued) }))
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(`${path}.new`, token)
      renameSync(`${path}.new`, path)
      return token
    }
    put()
    const watcher = createTokenWatcher({ path })
    cleanUps.push(() => watcher.close())
    await watching(watcher)
    return { path, put, watcher }
  }

  it('is the directory that is there now, even when its successor got its inode', async () => {
    const { path, put, watcher } = await setUpPlain()
    for (let round = 1; round <= 10; round++) {
      rmSync(dirname(path), { recursive: true })
      const first = put()
      await vi.waitUntil(() => watcher.current?.token === first)
      await watching(watcher)
      const rotated = next(watcher, 'rotated')
      const second = put()
      await rotated
      expect(watcher.current?.token).toBe(second)
    }
  })

  it('is not every file of a busy directory', async () => {
    const { path, put, watcher } = await setUpPlain()
    const { reads } = watcher.status()
    for (let write = 1; write <= 1_000; write++)
      writeFileSync(join(dirname(path), 'unrelated'), String(write))
    const rotated = next(watcher, 'rotated')
    const token = put()
    await rotated
    expect(watcher.current?.token).toBe(token)
    expect(watcher.status().reads - reads).toBeLessThan(10)
  })

  it('is not looked for again and again where inodes have no stable numbers (a stand-in for such a file system)', async () => {
    const { stat } = promises
    let inode = 1n
    const unstable = vi.spyOn(promises, 'stat').mockImplementation((async (
      ...args: Parameters<typeof stat>
    ) => {
      const stats = await stat(...args)
      return Object.assign(stats, { ino: inode++ })
    }) as typeof stat)
    cleanUps.push(() => unstable.mockRestore())
    const { watcher } = await setUpPlain()
    for (let read = 1; read <= 20; read++) await watcher.reload()
    const { reads } = watcher.status()
    await watcher.reload()
    await watcher.reload()
    expect(watcher.status().reads - reads).toBe(2)
  })

  it('stays the same file when the program changes its directory', async () => {
    const { path, put } = await setUpPlain()
    const before = process.cwd()
    cleanUps.push(() => process.chdir(before))
    process.chdir(dirname(path))
    const watcher = createTokenWatcher({ path: 'token', watch: false })
    cleanUps.push(() => watcher.close())
    process.chdir(before)
    expect((await watcher.reload()).token).not.toBe(put())
    expect(watcher.status().path).toBe(path)
  })
})

describe('close()', () => {
  it('may be called by a listener of the watch', async () => {
    const kubelet = await startFakeKubelet({ algorithm: 'ES256', serve: false, autoRotate: false })
    cleanUps.push(() => kubelet.close())
    const watcher = createTokenWatcher({ path: kubelet.path, keepAlive: true })
    const seen = await new Promise((resolve) => {
      watcher.on('watch', () => {
        resolve(watcher.status().nextReadAtMs !== undefined && watcher.current !== undefined)
        void watcher.close()
      })
    })
    expect(seen).toBe(true)
    await watcher.close()
    expect(watcher.current).toBeUndefined()
    expect(watcher.status()).toMatchObject({ state: 'closed', nextReadAtMs: undefined })
    expect(await failureOf(watcher.getToken())).toMatchObject({ code: 'ERR_WATCHER_CLOSED' })
  })

  it('ends everything: callers that wait, later calls, timers', async () => {
    const { clock, kubelet, watcher } = await setUp()
    await watcher.getToken()
    const waiting = createTokenWatcher({ path: '/nonexistent/token', clock, watch: false })
    const caller = failureOf(waiting.getToken())
    await Promise.all([waiting.close(), watcher.close(), watcher.close()])
    expect(await caller).toMatchObject({ code: 'ERR_WATCHER_CLOSED' })
    expect(await failureOf(watcher.getToken())).toMatchObject({
      code: 'ERR_WATCHER_CLOSED',
      path: kubelet.path,
    })
    expect(await failureOf(watcher.reload())).toMatchObject({ code: 'ERR_WATCHER_CLOSED' })
    expect(watcher.current).toBeUndefined()
    expect(watcher.status()).toMatchObject({ state: 'closed', nextReadAtMs: undefined })
    expect(clock.pendingTimers).toBe(0)
  })

  it('is what `await using` calls', async () => {
    const { watcher } = await setUp()
    await watcher[Symbol.asyncDispose]()
    expect(watcher.status().state).toBe('closed')
  })

  it('ends the watch', async () => {
    const kubelet = await startFakeKubelet({ algorithm: 'ES256', serve: false, autoRotate: false })
    cleanUps.push(() => kubelet.close())
    const watcher = createTokenWatcher({ path: kubelet.path })
    await watching(watcher)
    await watcher.close()
    const { reads } = watcher.status()
    await kubelet.rotate()
    expect(watcher.status().reads).toBe(reads)
  })
})

describe('the process', () => {
  async function runProgram(source: string) {
    const { outputFiles } = await build({
      stdin: { contents: source, resolveDir: import.meta.dirname, loader: 'ts' },
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node20',
    })
    const program = outputFiles[0]?.text as string
    return promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
      timeout: 20_000,
    })
  }

  it('is not held by a watcher with a token, and is held by a caller that waits for the first', async () => {
    const kubelet = await startFakeKubelet({ algorithm: 'ES256', serve: false, autoRotate: false })
    cleanUps.push(() => kubelet.close())
    const { stdout } = await runProgram(`
      import { createTokenWatcher } from '../src/index.js'
      const watcher = createTokenWatcher({ path: ${JSON.stringify(kubelet.path)} })
      watcher.on('watch', () => console.log('watching'))
      await watcher.getToken()
      const late = createTokenWatcher({ path: '/nonexistent/token', startupTimeoutMs: 500 })
      console.log(await late.getToken().catch((error) => error.code))
    `)
    expect(stdout.split('\n')).toContain('ERR_TOKEN_NOT_FOUND')
  })

  it('is not held any more when the signals of all who waited for the first token have aborted', async () => {
    const { stdout } = await runProgram(`
      import { createTokenWatcher } from '../src/index.js'
      const watcher = createTokenWatcher({ path: '/nonexistent/token', startupTimeoutMs: 3_600_000 })
      const controller = new AbortController()
      const waiting = [1, 2].map(() => watcher.getToken({ signal: controller.signal }).catch((reason) => reason))
      controller.abort('enough')
      console.log((await Promise.all(waiting)).join())
    `)
    expect(stdout).toBe('enough,enough\n')
  })

  it('is held with keepAlive until close()', async () => {
    const kubelet = await startFakeKubelet({ algorithm: 'ES256', serve: false, autoRotate: false })
    cleanUps.push(() => kubelet.close())
    const { stdout } = await runProgram(`
      import { createTokenWatcher } from '../src/index.js'
      const watcher = createTokenWatcher({ path: ${JSON.stringify(kubelet.path)}, keepAlive: true, reloadIntervalMs: 1000 })
      const end = setInterval(() => {
        if (watcher.status().reads < 4) return
        console.log('held')
        void watcher.close()
        clearInterval(end)
      }, 10).unref()
    `)
    expect(stdout).toBe('held\n')
  })
})
