import { readdirSync, rmSync } from 'node:fs'
import { lstat, mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFakeClock } from '@projected-token/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { createToken } from '../src/index.js'
import { createTokenSink, replaceFile, type SinkResult, type TokenSinkOptions } from '../src/sink.js'
import { hangDisk, makeDirectory } from './support/sink-directory.js'

let directory: string
let path: string

beforeEach(async () => {
  directory = await makeDirectory()
  path = join(directory, 'token')
})

const clock = createFakeClock()
const eventLoopTurns = async (turns: number) => {
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
}
const tokenOf = (token: string, lifeMs = 3_600_000) =>
  createToken({ token, loadedAtMs: clock.now(), expiresAtMs: clock.now() + lifeMs })
const content = () => readFile(path, 'utf8')
const modeOf = async () => (await stat(path)).mode & 0o7777

function setUp(options: Partial<TokenSinkOptions> = {}) {
  const results: SinkResult[] = []
  const onResult = (result: SinkResult) => void results.push(result)
  const sink = createTokenSink({ path, clock, onResult, ...options })
  return { sink, results, outcomes: () => results.map(({ outcome }) => outcome) }
}

describe('a file that is replaced', () => {
  it('has its content and mode, and nothing else lies beside it', async () => {
    expect(await replaceFile(path, 'one', { mode: 0o640 })).toBe(true)
    expect(await replaceFile(path, 'two', { mode: 0o600 })).toBe(true)
    expect(await content()).toBe('two')
    expect(await modeOf()).toBe(0o600)
    expect(await readdir(directory)).toEqual(['token'])
  })

  it('is another file, so that who reads the old one reads all of it', async () => {
    await replaceFile(path, 'one', { mode: 0o600 })
    const { ino } = await stat(path)
    await replaceFile(path, 'two', { mode: 0o600 })
    expect((await stat(path)).ino).not.toBe(ino)
  })

  it('stays untouched when it is as it should be', async () => {
    await replaceFile(path, 'one', { mode: 0o640 })
    await utimes(path, 1, 1)
    const { ino } = await stat(path)
    expect(await replaceFile(path, 'one', { mode: 0o640 })).toBe(false)
    expect(await stat(path)).toMatchObject({ ino, mtimeMs: 1_000 })
  })

  it('is written again for another mode alone', async () => {
    await replaceFile(path, 'one', { mode: 0o644 })
    expect(await replaceFile(path, 'one', { mode: 0o600 })).toBe(true)
    expect(await modeOf()).toBe(0o600)
  })

  it('is never a symbolic link, and what one leads to is not touched', async () => {
    const target = join(directory, 'target')
    await writeFile(target, 'precious')
    await symlink(target, path)
    await expect(replaceFile(path, 'one', { mode: 0o600 })).rejects.toMatchObject({
      code: 'ERR_SINK_LINK',
      message: expect.stringContaining('is a symbolic link, which is not followed; name its target'),
    })
    expect(await readFile(target, 'utf8')).toBe('precious')
    expect((await lstat(path)).isSymbolicLink()).toBe(true)
  })

  it('is never a directory', async () => {
    await mkdir(path)
    await expect(replaceFile(path, 'one', { mode: 0o600 })).rejects.toMatchObject({
      code: 'ERR_SINK_NOT_A_FILE',
    })
  })

  it('is written once more when another process, which begins, takes the new file for a leftover', async () => {
    const writing = replaceFile(path, 'one', { mode: 0o600 })
    let found: string | undefined
    while (found === undefined) {
      await eventLoopTurns(1)
      found = readdirSync(directory).find((name) => name.endsWith('.tmp'))
    }
    rmSync(join(directory, found))
    expect(await writing).toBe(true)
    expect(await content()).toBe('one')
    expect(await readdir(directory)).toEqual(['token'])
  })

  it.each([
    ['is missing', 'missing/token', 'ENOENT, its directory does not exist'],
    ['is a file', 'file/token', 'ENOTDIR, a part of its path is no directory'],
  ])('needs a directory: the error names the remedy when it %s', async (_what, name, message) => {
    await writeFile(join(directory, 'file'), '')
    const file = join(directory, name)
    const error: Error & { path?: string } = await replaceFile(file, 'secret', { mode: 0o600 }).then(
      () => expect.fail('it was written'),
      (reason) => reason,
    )
    expect(error).toMatchObject({ name: 'SinkError', code: 'ERR_SINK_DIRECTORY', path: file })
    expect(error.message).toContain(`'${file}': ${message}`)
    expect(error.cause).toBeInstanceOf(Error)
    expect(error.message).not.toContain('secret')
  })

  // Skipped unless root, who alone may give a file away.
  it.skipIf(process.getuid?.() !== 0)('belongs to whom it should (as root)', async () => {
    await replaceFile(path, 'one', { mode: 0o440, uid: 1234, gid: 5678 })
    expect(await stat(path)).toMatchObject({ uid: 1234, gid: 5678 })
    expect(await replaceFile(path, 'one', { mode: 0o440, uid: 1234, gid: 5678 })).toBe(false)
    await replaceFile(path, 'one', { mode: 0o440, gid: 8765 })
    expect(await stat(path)).toMatchObject({ uid: process.getuid?.(), gid: 8765 })
  })
})

describe('a token sink', () => {
  it('holds the token, or what it is asked to hold instead', async () => {
    const { sink, outcomes } = setUp({ access: { mode: 0o640 } })
    expect(await sink.write(tokenOf('first'))).toEqual({ outcome: 'written' })
    expect(await content()).toBe('first')
    expect(await modeOf()).toBe(0o640)
    await sink.write(tokenOf('first'), '{"token":"first"}')
    expect(await content()).toBe('{"token":"first"}')
    expect(outcomes()).toEqual(['written', 'written'])
    await sink.close()
    expect(await readdir(directory)).toEqual(['token'])
  })

  it('gives the file to its owner alone unless told otherwise', async () => {
    const { sink } = setUp()
    await sink.write(tokenOf('first'))
    expect(await modeOf()).toBe(0o600)
    await sink.close()
  })

  it('leaves a file that is as it should be, and mends one that somebody changed or removed', async () => {
    const { sink } = setUp()
    await sink.write(tokenOf('first'))
    expect(await sink.write(tokenOf('first'))).toEqual({ outcome: 'unchanged' })
    await writeFile(path, 'other')
    expect(await sink.write(tokenOf('first'))).toEqual({ outcome: 'written' })
    await rm(path)
    expect(await sink.write(tokenOf('first'))).toEqual({ outcome: 'written' })
    expect(await content()).toBe('first')
    await sink.close()
  })

  it('tries a failed write again every 5 s, until it succeeds', async () => {
    const { sink, outcomes } = setUp()
    await rm(directory, { recursive: true })
    expect(await sink.write(tokenOf('first'))).toMatchObject({
      outcome: 'failed',
      error: { code: 'ERR_SINK_DIRECTORY' },
    })
    await clock.advance(5_000)
    expect(outcomes()).toEqual(['failed', 'failed'])
    await mkdir(directory)
    await clock.advance(4_999)
    expect(outcomes()).toHaveLength(2)
    await clock.advance(1)
    expect(outcomes()).toEqual(['failed', 'failed', 'written'])
    expect(await content()).toBe('first')
    await clock.advance(60_000)
    expect(outcomes()).toHaveLength(3)
    await sink.close()
  })

  it('makes one attempt for each call, also for one at the very start', async () => {
    const { sink, outcomes } = setUp({ path: join(directory, 'missing', 'token') })
    await sink.write(tokenOf('first'))
    expect(outcomes()).toEqual(['failed'])
    expect(clock.pendingTimers).toBe(1)
    await sink.close()
    expect(outcomes()).toEqual(['failed'])
  })

  it('does not go back to an older token: the latest is tried again', async () => {
    const { sink, outcomes } = setUp()
    await rm(directory, { recursive: true })
    await sink.write(tokenOf('first'))
    await sink.write(tokenOf('second'))
    await mkdir(directory)
    await clock.advance(60_000)
    expect(await content()).toBe('second')
    expect(outcomes()).toEqual(['failed', 'failed', 'written'])
    await sink.close()
  })

  it('does not go back to a token whose write failed while another one waited', async () => {
    const { sink, outcomes } = setUp()
    await sink.write(tokenOf('first'))
    await rm(directory, { recursive: true })
    const goOn = await hangDisk()
    const writes = [sink.write(tokenOf('second')), sink.write(tokenOf('third'))]
    await goOn()
    await Promise.all(writes)
    expect(outcomes()).toEqual(['written', 'failed', 'failed'])
    expect(clock.pendingTimers).toBe(1)
    await mkdir(directory)
    await clock.advance(60_000)
    expect(await content()).toBe('third')
    expect(outcomes()).toHaveLength(4)
    await sink.close()
  })

  it('does not write a token that expired meanwhile', async () => {
    const { sink, outcomes } = setUp()
    await rm(directory, { recursive: true })
    await sink.write(tokenOf('first', 7_000))
    await clock.advance(5_000)
    await mkdir(directory)
    await clock.advance(60_000)
    expect(outcomes()).toEqual(['failed', 'failed', 'expired'])
    expect(await readdir(directory)).toEqual([])
    await sink.close()
  })

  it('writes one at a time, and then the latest, when the disk is slow', async () => {
    const { sink, outcomes } = setUp()
    await sink.write(tokenOf('first'))
    const goOn = await hangDisk()
    const writes = ['second', 'third', 'fourth', 'fifth'].map((token) => sink.write(tokenOf(token)))
    expect(outcomes()).toHaveLength(1)
    await goOn()
    expect(await Promise.all(writes)).toEqual(Array(4).fill({ outcome: 'written' }))
    expect(outcomes()).toEqual(['written', 'written', 'written'])
    expect(await content()).toBe('fifth')
    await sink.close()
  })

  it('is closed when the write under way has ended; what waited behind it is not written', async () => {
    const { sink, outcomes } = setUp()
    await sink.write(tokenOf('first'))
    const goOn = await hangDisk()
    const writes = [sink.write(tokenOf('second')), sink.write(tokenOf('third'))]
    let isClosed = false
    const closed = sink.close().then(() => {
      isClosed = true
    })
    await eventLoopTurns(20)
    expect(isClosed).toBe(false)
    await goOn()
    await closed
    expect(await Promise.all(writes)).toEqual([{ outcome: 'written' }, { outcome: 'closed' }])
    expect(await content()).toBe('second')
    expect(outcomes()).toHaveLength(2)
    expect(await sink.write(tokenOf('fourth'))).toEqual({ outcome: 'closed' })
    expect(await content()).toBe('second')
  })

  it('tries nothing again after close()', async () => {
    const { sink, outcomes } = setUp()
    await rm(directory, { recursive: true })
    await sink.write(tokenOf('first'))
    await sink.close()
    await clock.advance(60_000)
    expect(outcomes()).toEqual(['failed'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('removes its file when the token has been revoked', async () => {
    const { sink } = setUp()
    await sink.write(tokenOf('first'))
    await sink.remove()
    await sink.remove()
    expect(await readdir(directory)).toEqual([])
    expect(await sink.write(tokenOf('second'))).toEqual({ outcome: 'closed' })
  })

  it('begins with the removal of what a killed one left, and of nothing else', async () => {
    for (const name of ['.token.0123456789ab.tmp', '.token.other.tmp', '.token2.0123456789ab.tmp']) {
      await writeFile(join(directory, name), 'x')
    }
    const { sink } = setUp()
    await expect
      .poll(() => readdir(directory), { timeout: 20_000 })
      .toEqual(['.token.other.tmp', '.token2.0123456789ab.tmp'])
    await sink.close()
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('of the listener')
      },
    ],
    ['rejects', () => Promise.reject(new Error('of the listener'))],
  ])('is not harmed by a listener that %s', async (_how, onResult) => {
    const warning = new Promise<Error>((resolve) => process.once('warning', resolve))
    const { sink } = setUp({ onResult })
    expect(await sink.write(tokenOf('first'))).toEqual({ outcome: 'written' })
    expect(await warning).toMatchObject({ code: 'PROJECTED_TOKEN_LISTENER' })
    await sink.close()
  })

  it.each([
    ['no path', { path: '' }, RangeError],
    ['the path of a directory', { path: '/run/' }, RangeError],
    ['no string as path', { path: 7 as never }, TypeError],
    ['a mode beyond permission bits', { access: { mode: 0o4600 } }, RangeError],
    ['an owner that chown(2) takes for none', { access: { mode: 0o600, uid: 2 ** 32 - 1 } }, RangeError],
    ['a group that is no whole number', { access: { mode: 0o600, gid: 1.5 } }, RangeError],
    ['an access without a mode', { access: {} as never }, TypeError],
    ['an access that is none', { access: null as never }, TypeError],
    ['an access with another name for the group', { access: { mode: 0o600, group: 1 } as never }, TypeError],
    ['an option that there is not', { acces: { mode: 0o640 } } as never, TypeError],
    ['a listener that cannot be called', { onResult: 'log' as never }, TypeError],
    ['a clock that is none', { clock: {} as never }, TypeError],
  ])('refuses %s at once', (_what, options, kind) => {
    const refusal = expect(() => createTokenSink({ path, ...(options as Partial<TokenSinkOptions>) }))
    refusal.toThrow(kind)
    const code = kind === TypeError ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE'
    refusal.toThrow(expect.objectContaining({ code }))
  })
})
