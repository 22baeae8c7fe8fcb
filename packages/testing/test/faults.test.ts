import { chmod, lstat, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createFakeClock,
  type FakeKubelet,
  type FakeKubeletOptions,
  startFakeKubelet,
} from '@projected-token/testing'
import { describe, expect, it } from 'vitest'
import {
  asNobody,
  isRoot,
  listVolume,
  read,
  readAsNobody,
  recordOperations,
  watchDirectory,
} from './helpers.js'

const quick = { serve: false, autoRotate: false, algorithm: 'ES256' } as const satisfies FakeKubeletOptions
const HOUR_MS = 3_600_000
const onDisk = (kubelet: FakeKubelet) => read(kubelet.path)

describe('faults of writing', () => {
  it('truncateAndWrite() shows the empty and the torn file, in the same inode', async () => {
    await using kubelet = await startFakeKubelet(quick)
    const before = kubelet.current.token
    const { ino } = await stat(kubelet.path)
    const states: string[] = []
    const look = async () => void states.push(await onDisk(kubelet))
    const issued = await kubelet.truncateAndWrite({ chunks: 3, onTruncated: look, onPartial: look })
    const thirds = (count: number) => issued.token.slice(0, Math.ceil((count * issued.token.length) / 3))
    expect(states).toEqual(['', thirds(1), thirds(2)])
    expect(await onDisk(kubelet)).toBe(issued.token)
    expect((await stat(kubelet.path)).ino).toBe(ino)
    expect(issued.token).not.toBe(before)
    expect([kubelet.current, kubelet.rotations]).toEqual([issued, 1])
  })

  it.each([2, 50, 99, 100])('truncateAndWrite() in %i chunks never shows all', async (chunks) => {
    await using kubelet = await startFakeKubelet(quick)
    const shown: number[] = []
    const { token } = await kubelet.truncateAndWrite({
      chunks,
      onPartial: async () => void shown.push((await readFile(kubelet.path)).length),
    })
    expect(shown).toHaveLength(chunks - 1)
    expect(Math.max(...shown)).toBeLessThan(token.length)
    expect(new Set(shown).size).toBe(chunks - 1)
  })

  it('truncateAndWrite() works without looking', async () => {
    await using kubelet = await startFakeKubelet({ ...quick, fileName: 'a/token' })
    expect(await onDisk(kubelet)).not.toBe((await kubelet.truncateAndWrite()).token)
    expect(await onDisk(kubelet)).toBe(kubelet.current.token)
  })

  it.runIf(isRoot)(
    'eaccesWindow() publishes a token that another user can read only afterwards',
    async () => {
      await using kubelet = await startFakeKubelet({ ...quick, uid: 65_534 })
      expect(await readAsNobody(kubelet.path)).toBe(kubelet.current.token)
      let during = ''
      const issued = await kubelet.eaccesWindow({
        onDenied: async () => {
          during = await readAsNobody(kubelet.path)
          expect(await onDisk(kubelet)).not.toBe(kubelet.current.token)
        },
      })
      expect(during).toContain('Permission denied')
      expect(await readAsNobody(kubelet.path)).toBe(issued.token)
      expect(kubelet.current).toBe(issued)
    },
  )

  it('eaccesWindow() has the mode that it is given meanwhile, and the right one afterwards', async () => {
    await using kubelet = await startFakeKubelet({ ...quick, mode: 0o440 })
    const modeNow = async () => (await stat(kubelet.path)).mode & 0o777
    let during = -1
    await kubelet.eaccesWindow({
      mode: 0,
      onDenied: async () => {
        during = await modeNow()
      },
    })
    expect([during, await modeNow()]).toEqual([0, 0o440])
  })

  it('burst() swaps within milliseconds and ends on the last token', async () => {
    const { observe, take } = recordOperations()
    await using kubelet = await startFakeKubelet({ ...quick, onFileOperation: observe })
    take()
    const tokens = await kubelet.burst(5)
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(5)
    expect(take().filter((line) => line.startsWith('rename'))).toHaveLength(5)
    expect(kubelet.current).toBe(tokens[4])
    expect(kubelet.rotations).toBe(5)
    expect(await onDisk(kubelet)).toBe(kubelet.current.token)
  })

  it('replaceByRename() puts a plain file under the name, which a watch on the directory sees', async () => {
    await using kubelet = await startFakeKubelet(quick)
    const watched = watchDirectory(kubelet.directory)
    const issued = await kubelet.replaceByRename()
    await watched.until((names) => names.includes('token'))
    watched.close()
    expect((await lstat(kubelet.path)).isFile()).toBe(true)
    expect(await onDisk(kubelet)).toBe(issued.token)
    expect([kubelet.current, kubelet.rotations]).toEqual([issued, 1])
    // Again, and back to a kubelet's own layout.
    expect(await onDisk(kubelet)).not.toBe((await kubelet.replaceByRename()).token)
    await kubelet.rotate()
    expect(await onDisk(kubelet)).toBe(kubelet.current.token)
    expect(await listVolume(kubelet.directory)).toMatchObject({ token: '-> ..data/token' })
  })

  it('replaceByRename() works below a nested name', async () => {
    await using kubelet = await startFakeKubelet({ ...quick, fileName: 'a/b/token' })
    await kubelet.replaceByRename()
    expect(await onDisk(kubelet)).toBe(kubelet.current.token)
    await kubelet.rotate()
    expect(await onDisk(kubelet)).toBe(kubelet.current.token)
  })

  it('rewriteSame() gives another inode the same content, and is no rotation', async () => {
    await using kubelet = await startFakeKubelet(quick)
    const { ino } = await stat(kubelet.path)
    const before = await onDisk(kubelet)
    await kubelet.rewriteSame()
    expect((await stat(kubelet.path)).ino).not.toBe(ino)
    expect([await onDisk(kubelet), kubelet.rotations]).toEqual([before, 0])
  })

  it('attributeStorm() changes attributes and nothing else', async () => {
    await using kubelet = await startFakeKubelet(quick)
    const state = async () => [
      await listVolume(kubelet.directory),
      await onDisk(kubelet),
      (await stat(kubelet.path)).ino,
    ]
    const before = await state()
    const { ctimeNs } = await stat(kubelet.path, { bigint: true })
    const watched = watchDirectory(kubelet.directory)
    await kubelet.attributeStorm(20)
    expect((await watched.until((names) => names.length >= 20)).length).toBeGreaterThanOrEqual(20)
    watched.close()
    expect(await state()).toEqual(before)
    expect((await stat(kubelet.path, { bigint: true })).ctimeNs).toBeGreaterThan(ctimeNs)
    expect(kubelet.rotations).toBe(0)
  })
})

describe('faults of content', () => {
  it('writeRaw() puts any bytes in place, atomically, until the next rotation', async () => {
    await using kubelet = await startFakeKubelet(quick)
    const { current } = kubelet
    for (const content of ['', 'two\nlines', '\ufefftoken\r\n', 'x'.repeat(2 ** 20)]) {
      await kubelet.writeRaw(content)
      expect(await onDisk(kubelet)).toBe(content)
    }
    const bytes = Uint8Array.of(0, 255, 254, 0)
    await kubelet.writeRaw(bytes)
    expect(new Uint8Array(await readFile(kubelet.path))).toEqual(bytes)
    expect([kubelet.current, kubelet.rotations]).toEqual([current, 0])
    expect(await listVolume(kubelet.directory)).toMatchObject({ token: '-> ..data/token' })
    await kubelet.rotate()
    expect(await onDisk(kubelet)).toBe(kubelet.current.token)
  })

  it('writeRaw() is left alone by syncs until a rotation is due', async () => {
    const clock = createFakeClock()
    await using kubelet = await startFakeKubelet({ ...quick, clock, autoRotate: true })
    await kubelet.writeRaw('rubbish')
    await clock.advance(2_800_000)
    expect(await onDisk(kubelet)).toBe('rubbish')
    await clock.advance(200_000)
    expect(await onDisk(kubelet)).toBe(kubelet.current.token)
  })

  it('wrongAudience() puts a good token for somebody else in place', async () => {
    await using kubelet = await startFakeKubelet(quick)
    const good = kubelet.current
    const wrong = await kubelet.wrongAudience()
    expect(await onDisk(kubelet)).toBe(wrong.token)
    await expect(kubelet.verify(wrong.token)).rejects.toMatchObject({ claim: 'aud' })
    await kubelet.verify(wrong.token, { audience: 'another-audience' })
    expect((await kubelet.wrongAudience(['a', 'b'])).claims.aud).toEqual(['a', 'b'])
    expect(kubelet.current).toBe(good)
    await kubelet.restore()
    expect(await onDisk(kubelet)).toBe(good.token)
  })

  it('olderToken() brings the previous token back', async () => {
    const clock = createFakeClock()
    await using kubelet = await startFakeKubelet({ ...quick, clock })
    const first = kubelet.current
    await clock.advance(1_000)
    const second = await kubelet.rotate()
    expect(await kubelet.olderToken()).toBe(first)
    expect(await onDisk(kubelet)).toBe(first.token)
    expect(kubelet.current).toBe(second)
  })

  it('olderToken() makes one, still valid, when there is none', async () => {
    await using kubelet = await startFakeKubelet(quick)
    const older = await kubelet.olderToken()
    expect(older.claims.iat).toBe((kubelet.current.claims.iat ?? 0) - 60)
    expect(await onDisk(kubelet)).toBe(older.token)
    await kubelet.verify(older.token)
  })

  it('olderToken() dates one in whole seconds when no token says when it was made', async () => {
    await using kubelet = await startFakeKubelet({
      ...quick,
      clock: createFakeClock({ nowMs: 1_800_000_000_123 }),
    })
    await kubelet.legacyToken()
    await kubelet.legacyToken()
    expect((await kubelet.olderToken()).claims.iat).toBe(1_800_000_000 - 60)
  })

  it('wrongAudience() and olderToken() ask for a new token, which an outage refuses', async () => {
    await using kubelet = await startFakeKubelet(quick)
    kubelet.setOutage(true)
    for (const call of [() => kubelet.wrongAudience(), () => kubelet.olderToken()]) {
      await expect(call()).rejects.toMatchObject({ code: 'ERR_FAKE_KUBELET_OUTAGE' })
    }
    expect(await onDisk(kubelet)).toBe(kubelet.current.token)
  })

  it('legacyToken() has no expiry and no audience, and is never rotated', async () => {
    const clock = createFakeClock()
    await using kubelet = await startFakeKubelet({ ...quick, clock, autoRotate: true, syncPeriodMs: HOUR_MS })
    const legacy = await kubelet.legacyToken()
    expect(legacy.claims).toEqual({
      iss: 'kubernetes/serviceaccount',
      'kubernetes.io/serviceaccount/namespace': 'default',
      'kubernetes.io/serviceaccount/secret.name': 'build-robot-token',
      'kubernetes.io/serviceaccount/service-account.name': 'build-robot',
      'kubernetes.io/serviceaccount/service-account.uid': expect.any(String),
      sub: 'system:serviceaccount:default:build-robot',
    })
    await clock.advance(30 * 24 * HOUR_MS)
    expect(await onDisk(kubelet)).toBe(legacy.token)
    expect(kubelet.current).toBe(legacy)
    const { issuer } = await kubelet.issueToken().then(({ claims }) => ({ issuer: claims.iss }))
    expect(issuer).toBe(kubelet.issuer)
    await kubelet.verify(legacy.token, { issuer: 'kubernetes/serviceaccount', audience: [] })
    await kubelet.rotate()
    expect(kubelet.current.expiresAtMs).toBeDefined()
  })
})

describe('faults of the mount', () => {
  it('subPathCopy() makes a file that no rotation reaches', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'subpath-'))
    await using kubelet = await startFakeKubelet(quick)
    const first = kubelet.current.token
    await kubelet.subPathCopy(join(directory, 'token'))
    await kubelet.burst(3)
    expect(await readFile(join(directory, 'token'), 'utf8')).toBe(first)
    await rm(directory, { recursive: true })
  })

  it.each([{ directory: false }, { directory: true }])(
    'remove(%o) takes the token away until restore()',
    async (options) => {
      const clock = createFakeClock()
      await using kubelet = await startFakeKubelet({ ...quick, clock, autoRotate: true })
      const { token } = kubelet.current
      await kubelet.remove(options)
      await kubelet.remove(options)
      expect(await onDisk(kubelet)).toBe('ENOENT')
      if (!options.directory) expect(await listVolume(kubelet.directory)).toEqual({})
      await clock.advance(7_200_000)
      expect(await onDisk(kubelet)).toBe('ENOENT')
      await kubelet.restore()
      expect(await onDisk(kubelet)).toBe(token)
      await kubelet.remove(options)
      await kubelet.rotate()
      expect(await onDisk(kubelet)).toBe(kubelet.current.token)
    },
  )

  it('remove() takes the visible link away before what is behind it', async () => {
    const { observe, take } = recordOperations()
    await using kubelet = await startFakeKubelet({ ...quick, onFileOperation: observe })
    take()
    await kubelet.remove()
    expect(take()).toEqual(['remove token', 'remove ..data', 'remove ..<time>'])
  })

  it('remount() gives the path another directory with the same token', async () => {
    await using kubelet = await startFakeKubelet(quick)
    const { ino } = await stat(kubelet.directory)
    const { token } = kubelet.current
    let during = ''
    await kubelet.remount({
      onUnmounted: async () => {
        during = await onDisk(kubelet)
      },
    })
    expect(during).toBe('ENOENT')
    expect((await stat(kubelet.directory)).ino).not.toBe(ino)
    expect([await onDisk(kubelet), kubelet.rotations]).toEqual([token, 0])
  })

  it.each([
    ['directory', 'EISDIR'],
    ['link-loop', 'ELOOP'],
    ['dangling-link', 'ENOENT'],
  ] as const)('obstruct(%o) makes a read fail with %s until a rotation', async (kind, code) => {
    for (const fileName of ['token', 'a/token']) {
      await using kubelet = await startFakeKubelet({ ...quick, fileName })
      await kubelet.obstruct(kind)
      expect(await onDisk(kubelet)).toBe(code)
      await kubelet.obstruct(kind)
      await kubelet.sync()
      expect(await onDisk(kubelet)).toBe(code)
      await kubelet.rotate()
      expect(await onDisk(kubelet)).toBe(kubelet.current.token)
    }
  })

  it('remount() mounts the volume all the same when its callback throws', async () => {
    await using kubelet = await startFakeKubelet(quick)
    const onUnmounted = () => Promise.reject(new Error('a failed expectation'))
    await expect(kubelet.remount({ onUnmounted })).rejects.toThrow('a failed expectation')
    expect(await onDisk(kubelet)).toBe(kubelet.current.token)
    await kubelet.remount()
    await kubelet.remove({ directory: true })
    expect(await onDisk(kubelet)).toBe('ENOENT')
  })

  const takenAway = [
    ['remove()', (kubelet: FakeKubelet) => kubelet.remove()],
    ['remove({ directory: true })', (kubelet: FakeKubelet) => kubelet.remove({ directory: true })],
    ['obstruct("directory")', (kubelet: FakeKubelet) => kubelet.obstruct('directory')],
    ['obstruct("link-loop")', (kubelet: FakeKubelet) => kubelet.obstruct('link-loop')],
    ['obstruct("dangling-link")', (kubelet: FakeKubelet) => kubelet.obstruct('dangling-link')],
  ] as const

  it.each(takenAway)('after %s what needs the file is refused, with the remedy', async (_name, takeAway) => {
    await using kubelet = await startFakeKubelet(quick)
    await takeAway(kubelet)
    for (const call of [() => kubelet.truncateAndWrite(), () => kubelet.subPathCopy('/nonexistent/copy')]) {
      await expect(call()).rejects.toMatchObject({
        code: 'ERR_FAKE_KUBELET_NO_TOKEN',
        message: expect.stringContaining('restore()'),
      })
    }
    expect(kubelet.rotations).toBe(0)
  })

  it.each(takenAway)('after %s every other fault does what it does', async (_name, takeAway) => {
    for (const fileName of ['token', 'a/token']) {
      await using kubelet = await startFakeKubelet({ ...quick, fileName })
      await takeAway(kubelet)
      await kubelet.setMode(0o600)
      await kubelet.attributeStorm(1)
      await kubelet.obstruct('dangling-link')
      await takeAway(kubelet)
      expect(await onDisk(kubelet)).not.toBe((await kubelet.replaceByRename()).token)
      expect(await onDisk(kubelet)).toBe(kubelet.current.token)
      await takeAway(kubelet)
      await kubelet.eaccesWindow()
      expect(await onDisk(kubelet)).toBe(kubelet.current.token)
      expect((await stat(kubelet.path)).mode & 0o777).toBe(0o600)
    }
  })

  it('of a user whom modes keep out work on a file that nobody may read', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'subpath-'))
    await chmod(directory, 0o777)
    await asNobody(async () => {
      await using kubelet = await startFakeKubelet({ ...quick, mode: 0 })
      const first = kubelet.current.token
      expect(await onDisk(kubelet)).toBe('EACCES')
      expect(await kubelet.sync()).toBe('unchanged')
      const copy = join(directory, 'token')
      await kubelet.subPathCopy(copy)
      expect(await read(copy)).toBe('EACCES')
      await chmod(copy, 0o400)
      expect(await read(copy)).toBe(first)
      const { token } = await kubelet.truncateAndWrite()
      expect(await onDisk(kubelet)).toBe('EACCES')
      await kubelet.setMode(0o400)
      expect(await onDisk(kubelet)).toBe(token)
      const next = await kubelet.truncateAndWrite()
      expect(await onDisk(kubelet)).toBe(next.token)
    })
    await rm(directory, { recursive: true })
  })

  it('setMode() holds for the file and for those after it, until it is taken back', async () => {
    await using kubelet = await startFakeKubelet(quick)
    const modeNow = async () => (await stat(kubelet.path)).mode & 0o777
    await kubelet.setMode(0)
    expect(await modeNow()).toBe(0)
    if (isRoot) expect(await readAsNobody(kubelet.path)).toContain('Permission denied')
    await kubelet.rotate()
    expect(await modeNow()).toBe(0)
    await kubelet.setMode(undefined)
    expect(await modeNow()).toBe(0o644)
    await kubelet.remove()
    await kubelet.setMode(0o600)
    await kubelet.restore()
    expect(await modeNow()).toBe(0o600)
  })
})
