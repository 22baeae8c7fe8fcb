import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeKubeletOptions, startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it } from 'vitest'
import { isRoot, listVolume, read, readAsNobody, recordOperations, watchDirectory } from './helpers.js'

const quick = { serve: false, autoRotate: false, algorithm: 'ES256' } as const satisfies FakeKubeletOptions

describe('the volume', () => {
  it('is laid out as a projected volume', async () => {
    await using kubelet = await startFakeKubelet(quick)
    expect(kubelet.path).toBe(join(kubelet.directory, 'token'))
    expect(await readFile(kubelet.path, 'utf8')).toBe(kubelet.current.token)
    expect(await listVolume(kubelet.directory)).toEqual({
      '..<time>': '0755',
      '..data': '-> ..<time>',
      token: '-> ..data/token',
    })
  })

  it('has the timestamped directory named after the moment, in UTC', async () => {
    const nowMs = Date.UTC(2031, 1, 3, 4, 5, 6)
    const clock = { now: () => nowMs, monotonicNow: () => 0, setTimer: () => () => {} }
    await using kubelet = await startFakeKubelet({ ...quick, clock })
    expect((await readdir(kubelet.directory))[0]).toMatch(/^\.\.2031_02_03_04_05_06\.\d{1,10}$/)
  })

  it('is written first, and again, in the order of a current kubelet', async () => {
    const { observe, take } = recordOperations()
    await using kubelet = await startFakeKubelet({ ...quick, onFileOperation: observe })
    const swap = [
      'mkdir ..<time> 0700',
      'chmod ..<time> 0755',
      'write ..<time>/token',
      'chmod ..<time>/token 0644',
      'symlink ..data_tmp -> ..<time>',
      'rename ..data_tmp -> ..data',
    ]
    expect(take()).toEqual(['mkdir . 0755', ...swap, 'symlink token -> ..data/token'])
    await kubelet.rotate()
    expect(take()).toEqual([...swap, 'remove ..<time>'])
  })

  it('is not written when a sync finds the same token in it', async () => {
    const { observe, take } = recordOperations()
    await using kubelet = await startFakeKubelet({ ...quick, onFileOperation: observe })
    take()
    expect(await kubelet.sync()).toBe('unchanged')
    expect(take()).toEqual([])
  })

  it('is repaired by a sync when somebody has changed the file, removed the link, or added another file', async () => {
    const { observe, take } = recordOperations()
    await using kubelet = await startFakeKubelet({ ...quick, onFileOperation: observe })
    const inode = async () => (await stat(kubelet.path)).ino

    const before = await inode()
    await writeFile(kubelet.path, 'x', { flag: 'a' })
    take()
    await kubelet.sync()
    expect(await readFile(kubelet.path, 'utf8')).toBe(kubelet.current.token)
    expect(await inode()).not.toBe(before)
    expect(take()).toContain('rename ..data_tmp -> ..data')

    await rm(kubelet.path)
    await kubelet.sync()
    expect(take()).toEqual(['symlink token -> ..data/token'])

    await writeFile(join(kubelet.directory, '..data', 'stale'), '')
    await kubelet.sync()
    expect(take().slice(-2)).toEqual(['remove stale', 'remove ..<time>'])
    expect(kubelet.rotations).toBe(0)
  })

  it("never shows the token's name to a watch on the directory after the first write", async () => {
    await using kubelet = await startFakeKubelet(quick)
    const watched = watchDirectory(kubelet.directory)
    const oldDirectory = (await readdir(kubelet.directory)).find((name) => /^\.\.\d/.test(name)) ?? ''
    await kubelet.rotate()
    const names = await watched.until((names) => names.includes('..data') && names.includes(oldDirectory))
    watched.close()
    expect(names).not.toContain('token')
    expect(names).toContain('..data_tmp')
    expect(names.indexOf('..data')).toBeLessThan(names.indexOf(oldDirectory))
  })

  it('always gives a reader one whole token', async () => {
    const tokens = new Set<string>()
    const seen: string[] = []
    let path = ''
    await using kubelet = await startFakeKubelet({
      ...quick,
      onFileOperation: async ({ kind }) => {
        if (path !== '') seen.push(`${kind} ${await read(path)}`)
      },
    })
    tokens.add(kubelet.current.token)
    path = kubelet.path
    for (let i = 0; i < 5; i++) tokens.add((await kubelet.rotate()).token)
    expect(seen).toHaveLength(35)
    expect(seen.filter((line) => !tokens.has(line.split(' ')[1] ?? ''))).toEqual([])
    expect(seen.filter((line) => line.startsWith('rename')).at(-1)).toBe(`rename ${kubelet.current.token}`)
  })

  it('links only the first name of a nested path', async () => {
    const { observe, take } = recordOperations()
    await using kubelet = await startFakeKubelet({
      ...quick,
      fileName: 'a/b/token',
      onFileOperation: observe,
    })
    expect(kubelet.path).toBe(join(kubelet.directory, 'a/b/token'))
    expect(await listVolume(kubelet.directory)).toMatchObject({ a: '-> ..data/a' })
    await kubelet.rotate()
    expect(await readFile(kubelet.path, 'utf8')).toBe(kubelet.current.token)
    expect(take()).toContain('write ..<time>/a/b/token')
  })

  it('is taken over from a kubelet before it', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'volume-'))
    const first = await startFakeKubelet({ ...quick, directory })
    await first.close()
    await using second = await startFakeKubelet({ ...quick, directory })
    expect(await readFile(second.path, 'utf8')).toBe(second.current.token)
    expect(Object.keys(await listVolume(directory))).toEqual(['..<time>', '..data', 'token'])
    await rm(directory, { recursive: true })
  })

  it('is left clean when a write fails, and can be written again', async () => {
    let failing = false
    await using kubelet = await startFakeKubelet({
      ...quick,
      onFileOperation: ({ to }) => {
        if (failing && to?.startsWith('..20')) throw new Error('the disk is full')
      },
    })
    const before = await listVolume(kubelet.directory)
    failing = true
    await expect(kubelet.rotate()).rejects.toThrow('the disk is full')
    expect(await listVolume(kubelet.directory)).toEqual(before)
    expect(kubelet.rotations).toBe(0)
    failing = false
    await kubelet.rotate()
    expect(kubelet.rotations).toBe(1)
  })
})

describe('the permissions', () => {
  const modeOf = async (path: string) => {
    const { mode, uid, gid } = await stat(path)
    return `0${(mode & 0o7777).toString(8)} ${uid}:${gid}`
  }

  it('are 0644 without runAsUser and fsGroup, and what is asked for', async () => {
    await using kubelet = await startFakeKubelet(quick)
    expect(await modeOf(kubelet.path)).toMatch(/^0644 /)
    for (const mode of [0o600, 0o640, 0o400]) {
      await using other = await startFakeKubelet({ ...quick, mode })
      expect(await modeOf(other.path)).toMatch(new RegExp(`^0${mode.toString(8)} `))
    }
  })

  it.runIf(isRoot)('are 0600 for runAsUser, 0640 for fsGroup and for both, before the swap', async () => {
    const cases = [
      [{ uid: 1_000 }, '0600 1000:0'],
      [{ gid: 2_000 }, '0640 0:2000'],
      [{ uid: 1_000, gid: 2_000 }, '0640 1000:2000'],
    ] as const
    for (const [owners, expected] of cases) {
      const published: string[] = []
      let directory = ''
      const onFileOperation = async ({ to }: { to?: string }) => {
        if (to === '..data' && directory !== '') published.push(await modeOf(join(directory, '..data/token')))
      }
      await using kubelet = await startFakeKubelet({ ...quick, ...owners, onFileOperation })
      expect(await modeOf(kubelet.path)).toBe(expected)
      directory = kubelet.directory
      await kubelet.rotate()
      expect(published).toEqual([expected])
    }
  })

  it('do not depend on the umask of the process', async () => {
    const before = process.umask(0o077)
    try {
      await using kubelet = await startFakeKubelet(quick)
      if (isRoot) expect(await readAsNobody(kubelet.path)).toBe(kubelet.current.token)
      expect(await modeOf(kubelet.path)).toMatch(/^0644 /)
    } finally {
      process.umask(before)
    }
  })
})

describe('the order of release 1.20', () => {
  it('makes the visible link before there is anything behind it', async () => {
    const states: string[] = []
    const directory = await mkdtemp(join(tmpdir(), 'volume-'))
    await using kubelet = await startFakeKubelet({
      ...quick,
      directory,
      writer: 'v1.20',
      onFileOperation: async ({ kind, path }) =>
        states.push(
          `${kind} ${path.startsWith('..2') ? '..<time>' : path} ${(await read(join(directory, 'token'))).slice(0, 6)}`,
        ),
    })
    expect(states.slice(-3)).toEqual([
      'symlink token ENOENT',
      'symlink ..data_tmp ENOENT',
      `rename ..data_tmp ${kubelet.current.token.slice(0, 6)}`,
    ])
    await rm(directory, { recursive: true })
  })

  it.runIf(isRoot)(
    'sets group and mode after the swap, and at every sync although nothing is new',
    async () => {
      const { observe, take } = recordOperations()
      await using kubelet = await startFakeKubelet({
        ...quick,
        writer: 'v1.20',
        gid: 2_000,
        onFileOperation: observe,
      })
      take()
      await kubelet.rotate()
      const operations = take()
      expect(operations.indexOf('chmod ..<time>/token 0600')).toBeLessThan(
        operations.indexOf('rename ..data_tmp -> ..data'),
      )
      expect(operations.indexOf('chmod ..<time>/token 0640')).toBeGreaterThan(
        operations.indexOf('rename ..data_tmp -> ..data'),
      )
      await kubelet.sync()
      expect(take()).toEqual([
        'chown .',
        'chmod . 02755',
        'chown ..<time>',
        'chmod ..<time> 02755',
        'chown ..<time>/token',
        'chmod ..<time>/token 0640',
        'chown ..data',
        'chown token',
      ])
    },
  )
})

describe('the order of a Windows node', () => {
  it('has ..data missing for a moment', async () => {
    const states: string[] = []
    let path = ''
    await using kubelet = await startFakeKubelet({
      ...quick,
      writer: 'windows',
      onFileOperation: async ({ kind, path: changed }) => {
        if (path !== '' && changed === '..data') states.push(`${kind} ${(await read(path)).slice(0, 6)}`)
      },
    })
    path = kubelet.path
    await kubelet.rotate()
    expect(states).toEqual(['remove ENOENT', `symlink ${kubelet.current.token.slice(0, 6)}`])
  })
})
