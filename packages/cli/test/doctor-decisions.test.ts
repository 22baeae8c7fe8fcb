import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { adviceOn, CODES } from '../src/doctor/catalogue.js'
import { bySeverity, statusOf, toFinding } from '../src/doctor/diagnosis.js'
import { judgeFailure } from '../src/doctor/judge-failure.js'
import { judgeClocks, judgeLife } from '../src/doctor/judge-times.js'
import { judgeWatch } from '../src/doctor/judge-watch.js'
import { isPinned, isRemoved, mountOf, parseMountinfo } from '../src/doctor/mountinfo.js'
import { judgeContainer } from '../src/doctor/run-doctor.js'
import type { FileFacts, TokenFacts } from '../src/inspect/inspection.js'

const NOW_MS = Date.UTC(2026, 7, 1, 10)
const codesOf = (judgements: Iterable<{ code: string }>) => [...judgements].map(({ code }) => code)

describe('the mounts of a container', () => {
  // A line for a kubelet's volume, one for a subPath of it (both as a container shows them), and a name with a space.
  const MOUNTS = parseMountinfo(
    [
      '22 1 0:21 / / rw,relatime - overlay overlay rw,lowerdir=/a',
      '40 22 0:40 / /var/run/secrets/tokens ro,relatime shared:3 master:4 - tmpfs tmpfs rw,size=1024k',
      '41 22 0:40 /..2026_08_01_10_00_00.123456789/token /etc/vault-token ro - tmpfs tmpfs rw',
      '42 22 0:40 /..2026_08_01_10_00_00.123456789/token//deleted /etc/old ro - tmpfs tmpfs rw',
      '43 22 0:40 /..2026_08_01_10_00_00.123456789/a /srv/a\\040b ro - tmpfs tmpfs rw',
      'no such line',
      '',
    ].join('\n'),
  )
  const at = (path: string) => mountOf(path, MOUNTS)

  it.each([
    ['/var/run/secrets/tokens/token', '/var/run/secrets/tokens', false, false],
    ['/var/run/secrets/tokens-of-others', '/', false, false],
    ['/etc/vault-token', '/etc/vault-token', true, false],
    ['/etc/old', '/etc/old', true, true],
    ['/srv/a b/token', '/srv/a b', true, false],
  ])('%s lies in %s', (path, mountPoint, pinned, removed) => {
    const mount = at(path)
    expect(mount?.mountPoint).toBe(mountPoint)
    expect(mount && isPinned(mount, path)).toBe(pinned)
    expect(mount && isRemoved(mount)).toBe(removed)
  })

  it('takes the last of several mounts at one place', () => {
    const twice = parseMountinfo('2 1 0:1 / /x rw - tmpfs t rw\n3 2 0:2 / /x rw - ext4 t rw')
    expect(mountOf('/x/y', twice)?.fsType).toBe('ext4')
    const first = parseMountinfo('3 2 0:2 / /x rw - ext4 t rw\n2 1 0:1 / /x rw - tmpfs t rw')
    expect(mountOf('/x/y', first)?.fsType).toBe('ext4')
  })

  it('does not take a mount for one that is seen when another hides the directory above it', () => {
    const root = '1 0 0:1 / / rw - overlay o rw'
    const hidden = '2 1 0:2 /..2026_08_01_10_00_00.1/token /mnt/a/b/token rw - tmpfs t rw'
    const above = '3 1 0:3 / /mnt/a rw - tmpfs t rw'
    expect(mountOf('/mnt/a/b/token', parseMountinfo([root, hidden].join('\n')))?.fsType).toBe('tmpfs')
    const mounts = parseMountinfo([root, hidden, above].join('\n'))
    expect(mounts.map(({ mountPoint }) => mountPoint)).toEqual(['/', '/mnt/a'])
    expect(mountOf('/mnt/a/b/token', mounts)?.mountPoint).toBe('/mnt/a')
    const within = parseMountinfo(`${[root, hidden, above].join('\n')}\n4 3 0:4 / /mnt/a/b rw - ext4 t rw`)
    expect(mountOf('/mnt/a/b/token', within)?.fsType).toBe('ext4')
  })

  it('sees the same in a tree whose root is its own parent', () => {
    const mounts = parseMountinfo('1 1 0:1 / / rw - overlay o rw\n2 1 0:2 / /x rw - tmpfs t rw')
    expect(mountOf('/x/y', mounts)?.fsType).toBe('tmpfs')
  })

  it('reads back every name, whatever it holds, and fails for no text', () => {
    const escaped = (name: string) =>
      name.replace(/[ \t\n\\]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`)
    fc.assert(
      fc.property(fc.string(), (name) => {
        const [mount] = parseMountinfo(`1 0 0:1 / /${escaped(name)} rw - tmpfs t rw`)
        expect(mount?.mountPoint).toBe(`/${name}`)
      }),
    )
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(parseMountinfo(text))))
  })
})

describe('times', () => {
  const token = (lifeMs: number, fields: Partial<TokenFacts> = {}): TokenFacts =>
    ({
      issuedAtMs: NOW_MS,
      expiresAtMs: NOW_MS + lifeMs,
      overdueAtMs: NOW_MS + 0.8 * lifeMs + Math.min(90_000, 0.15 * lifeMs),
      ...fields,
    }) as TokenFacts
  const file = (modifiedAtMs: number, layout = 'projection') => ({ layout, modifiedAtMs }) as FileFacts

  it.each([
    [600_000, undefined, []],
    [599_000, undefined, ['SHORT_LIVED']],
    [600_000, 30_000, []],
    [600_000, 30_001, ['CADENCE_TOO_SLOW']],
    [3_600_000, 300_000, []],
    [3_600_000, 3_600_000, ['CADENCE_TOO_SLOW']],
    [60_000, 60_000, ['SHORT_LIVED', 'CADENCE_TOO_SLOW']],
  ])('a life of %d ms, read every %s ms: %j', (lifeMs, cadenceMs, codes) => {
    expect(codesOf(judgeLife(token(lifeMs), cadenceMs))).toEqual(codes)
  })

  it('judges no life that is not known', () => {
    expect(codesOf(judgeLife({} as TokenFacts, 1))).toEqual([])
  })

  it.each([
    [NOW_MS + 300, 'projection', []],
    [NOW_MS - 10_000, 'projection', []],
    [NOW_MS - 10_001, 'projection', ['CLOCK_BEHIND']],
    [NOW_MS - 10_001, 'plain', []],
    [NOW_MS - 10_001, 'mounted-file', []],
    [NOW_MS + 480_000, 'projection', []],
    [NOW_MS + 600_000, 'projection', ['CLOCK_AHEAD']],
    [NOW_MS + 600_000, 'plain', []],
  ])('a token of ten minutes, written at %d in a %s: %j', (modifiedAtMs, layout, codes) => {
    expect(codesOf(judgeClocks(token(600_000), file(modifiedAtMs, layout)))).toEqual(codes)
  })

  it('never finds one clock both behind and ahead', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e10 }),
        fc.integer({ min: -1e10, max: 1e10 }),
        (lifeMs, lateMs) => {
          expect(codesOf(judgeClocks(token(lifeMs), file(NOW_MS + lateMs))).length).toBeLessThan(2)
        },
      ),
    )
  })
})

describe('the file watch', () => {
  const none = undefined
  const limits = {
    maxUserWatches: 8_192,
    maxUserInstances: 128,
    maxQueuedEvents: 16_384,
    namespaceWatches: none,
    namespaceInstances: none,
  }
  it.each([
    ['told', undefined, []],
    ['unproven', 'EROFS', []],
    ['silent', undefined, ['DEAD_WATCH']],
    ['refused', 'ENOSPC', ['INOTIFY_EXHAUSTED']],
    ['refused', 'EMFILE', ['INOTIFY_EXHAUSTED']],
    ['refused', 'ENOSYS', ['NO_WATCH']],
  ] as const)('%s (%s): %j', (state, reason, codes) => {
    expect(codesOf(judgeWatch({ directory: '/x', state, reason, limits }))).toEqual(codes)
  })

  it('names the limit of the namespace only where it is the lower one', () => {
    const seen = (namespaceWatches: number) =>
      [
        ...judgeWatch({
          directory: '/x',
          state: 'refused',
          reason: 'ENOSPC',
          limits: { ...limits, namespaceWatches },
        }),
      ][0]?.seen
    expect(seen(10)).toContain('fs.inotify.max_user_watches is 8192, and this user namespace allows 10')
    expect(seen(10_000)).not.toContain('namespace')
  })
})

describe('a file that may not be read', () => {
  const user = { uid: 1_000, groups: [1_000] }
  const judge = (inode: { mode: number; uid: number; gid: number } | undefined) =>
    judgeFailure({
      path: '/t/token',
      code: 'ERR_TOKEN_UNREADABLE',
      message: 'It may not be read.',
      cause: 'EACCES',
      nearby: undefined,
      mounted: [],
      access: { user, inode: inode && { ...inode, kind: 'file', sizeBytes: 1 }, closed: undefined },
    })
  it.each([
    [{ mode: 0o600, uid: 2_000, gid: 0 }, 'Run as uid 2000 (runAsUser'],
    [{ mode: 0o640, uid: 0, gid: 2_000 }, 'Give the process the group 2000'],
    [{ mode: 0o640, uid: 2_000, gid: 1_000 }, 'Run as uid 2000'],
    [{ mode: 0, uid: 1_000, gid: 1_000 }, undefined],
    [undefined, undefined],
  ])('%j: %s', (inode, remedy) => {
    if (remedy === undefined) expect(judge(inode).remedy).toBeUndefined()
    else expect(judge(inode).remedy).toContain(remedy)
  })

  it.each([
    ['EIO', 'look at the file system'],
    ['ENOTDIR', 'A name on the way is a file'],
    ['ELOOP', 'lead in a circle'],
  ])(
    'says what went wrong otherwise (%s) in the words of the library, and no word of owners',
    (cause, does) => {
      const { seen, remedy } = judgeFailure({
        path: '/t/token',
        code: 'ERR_TOKEN_UNREADABLE',
        message: `Token file '/t/token' could not be read (${cause})`,
        cause,
        nearby: undefined,
        mounted: [],
        access: { user, inode: undefined, closed: undefined },
      })
      expect(seen).toBe(`Token file '/t/token' could not be read (${cause}).`)
      expect(remedy).toContain(does)
    },
  )
})

describe('several tokens', () => {
  it('does not say that no token is mounted where the mounts cannot be read', () => {
    const [finding] = judgeContainer([], { pod: true, isDefault: true, mountsAreKnown: false })
    expect(finding?.seen).toContain('/proc/self/mountinfo could not be read')
    expect(finding?.remedy).toContain('instead of --pod')
  })

  const tokens = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ path: `/t/${index}`, audience: [`a${index}`] }))
  it.each([
    [0, true, false, ['NO_TOKEN_MOUNTED']],
    [0, false, true, []],
    [1, true, false, []],
    [2, true, false, ['SEVERAL_TOKENS']],
    [2, false, true, ['SEVERAL_TOKENS']],
    [2, false, false, []],
  ])('%d mounted, --pod %s, by default %s: %j', (count, pod, isDefault, codes) => {
    expect(codesOf(judgeContainer(tokens(count), { pod, isDefault }))).toEqual(codes)
  })

  it('says that none lies at the default path', () => {
    const [{ seen } = { seen: '' }] = judgeContainer(tokens(2), { pod: true, isDefault: false })
    expect(seen).toContain('/t/0 (for "a0"), /t/1 (for "a1"). None of them lies at the default path')
  })
})

describe('findings', () => {
  const finding = (severity: 'error' | 'warning', code: string) =>
    toFinding({ severity, code, seen: 'Seen.' }, '/t/token')

  it('come to broken, warnings or healthy; notes count for nothing', () => {
    expect(statusOf([])).toBe('healthy')
    expect(statusOf([finding('warning', 'WORLD_READABLE')])).toBe('healthy')
    expect(statusOf([finding('warning', 'OVERDUE')])).toBe('warnings')
    expect(statusOf([finding('warning', 'OVERDUE'), finding('error', 'ERR_TOKEN_EXPIRED')])).toBe('broken')
  })

  it('have the worst first, and stay in order otherwise', () => {
    const codes = [
      finding('warning', 'WORLD_READABLE'),
      finding('warning', 'OVERDUE'),
      finding('error', 'ERR_TOKEN_AUDIENCE'),
      finding('warning', 'NOT_PROJECTED'),
      finding('error', 'ERR_TOKEN_ISSUER'),
    ]
    expect(codesOf(bySeverity(codes))).toEqual([
      'ERR_TOKEN_AUDIENCE',
      'ERR_TOKEN_ISSUER',
      'OVERDUE',
      'NOT_PROJECTED',
      'WORLD_READABLE',
    ])
  })

  it('each have a reason, a remedy, a document, and a line in the README', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const section = readme.slice(readme.indexOf('## doctor'), readme.indexOf('## watch'))
    for (const code of CODES) {
      const { why, remedy, docs } = adviceOn(code)
      for (const text of [why, remedy]) expect(text, code).toMatch(/^[A-Z].*[.?]$/s)
      expect(new URL(docs).protocol).toBe('https:')
      expect(section, code).toMatch(new RegExp(`\`${code}\``))
    }
    const told = new Set([...section.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code))
    expect([...told].sort()).toEqual([...CODES].sort())
  })
})
