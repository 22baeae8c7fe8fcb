import { chmod, chown, mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { start, useBuiltCli } from './support/built-cli.js'
import {
  asNobody,
  DEAD_INOTIFY,
  inNamespace,
  isRoot,
  NO_INOTIFY,
  noNamespaces,
  noOtherUser,
  notLinux,
  type VolumeOptions,
  works,
  writeVolume,
} from './support/doctor-places.js'
import { boundClaims, createIssuer, temporaryDirectory, writeFileFor } from './support/token-files.js'

const cli = useBuiltCli()
const issuer = await createIssuer()
const DEFAULT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount'
/** What a user namespace makes of it: the directory is there although nobody but its root may write outside. */
const MAKE_DEFAULT_DIRECTORY = `mount -t tmpfs tmpfs "$(readlink -f /var/run)"; mkdir -p ${DEFAULT_DIRECTORY}`

const volumeOf = async (options?: VolumeOptions, audience = 'vault') =>
  writeVolume(await issuer.sign({ ...boundClaims(Date.now()), aud: [audience] }), options)

/** Runs the program with `--json` in a process of its own. */
async function doctor(
  argv: string[],
  wrap: (command: string[]) => [command: string, args: string[]] = ([command = '', ...args]) => [
    command,
    args,
  ],
  nodeArgs: string[] = [],
) {
  const [command, args] = wrap([process.execPath, ...nodeArgs, cli.path, 'doctor', ...argv, '--json'])
  const child = start(command, args)
  const exitCode = await child.end
  if (child.stdout() === '') return expect.fail(`ended with ${exitCode}: ${child.stderr()}`)
  const json = JSON.parse(child.stdout())
  const codes = json.findings.map(({ code }: { code: string }) => code)
  const finding = (code: string) =>
    json.findings.find((one: { code: string }) => one.code === code) ??
    expect.fail(`no ${code} among ${codes}`)
  return { exitCode, json, codes, finding }
}

const inside = (set: string) => (command: string[]) => inNamespace(set, command)

/** Where only what this test mounts is seen: others, at this moment, have volumes in the temporary directory, too. */
const insideAlone = (set: string) => {
  const program = dirname(dirname(cli.path))
  const [kept, own] = ['/mnt/program', '/mnt/own']
  return inside(
    [
      'cd /',
      'mount -t tmpfs tmpfs /mnt',
      `mkdir ${kept} ${own}; touch ${own}/token; mkdir ${own}/volume`,
      `mount --bind ${program} ${kept}`,
      set,
      `mount -t tmpfs tmpfs ${tmpdir()}`,
      `mkdir -p ${program}; mount --bind ${kept} ${program}`,
    ].join('\n'),
  )
}
/** There are these two to mount on. */
const [OWN_FILE, OWN_DIRECTORY] = ['/mnt/own/token', '/mnt/own/volume']

describe('doctor of a mount', () => {
  it('finds a file that is mounted by itself, also from the same file system', async ({ skip }) => {
    skip(...noNamespaces)
    const { path } = await volumeOf()
    const target = await writeFileFor('')
    const { codes, json, finding, exitCode } = await doctor(
      [target],
      inside(`mount --bind ${path} ${target}`),
    )
    expect(codes).toEqual(['NEVER_UPDATED'])
    expect(finding('NEVER_UPDATED').seen).toContain('mounted by itself (a subPath, or a single-file mount)')
    expect(json.tokens[0].mount).toMatchObject({ mountPoint: target, isPinned: true, isRemoved: false })
    expect(exitCode).toBe(1)
  })

  it('finds a directory that is mounted with subPath, and that the volume has gone on without it', async ({
    skip,
  }) => {
    skip(...noNamespaces)
    const { path, version } = await volumeOf({ name: 'nested/token' })
    const target = await temporaryDirectory()
    const set = `mount --bind ${dirname(path)} ${target}; rm -r ${version}/../..data; mv ${version} ${version}.old`
    const moved = await doctor([join(target, 'token')], inside(set))
    expect(moved.codes).toEqual(['NEVER_UPDATED'])
    const other = await volumeOf()
    const file = await writeFileFor('')
    const removed = await doctor([file], inside(`mount --bind ${other.path} ${file}; rm -r ${other.version}`))
    expect(removed.codes.sort()).toEqual(['NEVER_UPDATED', 'REPLACED_MEANWHILE'])
    expect(removed.exitCode).toBe(1)
  })

  it('says of an expired token in such a mount why it was not replaced', async ({ skip }) => {
    skip(...noNamespaces)
    const { path } = await writeVolume(await issuer.sign(boundClaims(Date.now(), 7_200)))
    const target = await writeFileFor('')
    const { finding, exitCode } = await doctor([target], inside(`mount --bind ${path} ${target}`))
    expect(finding('ERR_TOKEN_EXPIRED').remedy).toContain('(subPath) is never updated')
    expect(exitCode).toBe(2)
  })

  it('tries no watch where no file may be made, and finds no fault with that', async ({ skip }) => {
    skip(...noNamespaces)
    const { path, directory } = await volumeOf()
    const target = await temporaryDirectory()
    const set = `mount --bind ${directory} ${target}; mount -o remount,ro,bind ${target}`
    const { codes, json, exitCode } = await doctor([join(target, 'token')], inside(set))
    expect(json.tokens[0].watch).toMatchObject({ state: 'unproven', reason: 'EROFS' })
    expect(json.tokens[0].mount).toMatchObject({ mountPoint: target, isReadOnly: true })
    expect(codes).toEqual([])
    expect(exitCode).toBe(0)
    expect(path).not.toBe(target)
  })
})

describe('doctor beside a mount whose server is gone', () => {
  // The program holds the descriptor itself, and answers nothing: that ends with it.
  const dead = ['exec 3<>/dev/fuse', 'mkdir /mnt/dead']
  const mountDead = 'mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 dead /mnt/dead'
  const beside = (set: string) => insideAlone([...dead, set, mountDead].join('\n'))
  const noFuse: [boolean, string] = [
    !works('unshare', '--user', '--map-root-user', 'sh', '-c', 'exec 3<>/dev/fuse'),
    'needs /dev/fuse, and to be allowed to open it',
  ]

  it('judges the token, and does not wait for that mount', async ({ skip }) => {
    skip(...noNamespaces)
    skip(...noFuse)
    const { directory } = await volumeOf()
    const path = join(OWN_DIRECTORY, 'token')
    const wrap = beside(`mount --bind ${directory} ${OWN_DIRECTORY}`)
    const { exitCode } = await doctor([path], wrap)
    expect(exitCode).toBe(0)
    const pod = await doctor(['--pod'], wrap)
    expect(pod.json.tokens.map((one: { path: string }) => one.path)).toEqual([path])
  })

  it('ends when it is asked twice, although it waits for a token in that mount', async ({ skip }) => {
    skip(...noNamespaces)
    skip(...noFuse)
    // A signal that comes before the program listens would end it whatever it waits for.
    const announce = await writeFileFor(
      "process.on('newListener', (name) => name === 'SIGTERM' && setImmediate(() => console.log('listens')))",
      'announce.mjs',
    )
    const program = [process.execPath, '--import', announce, cli.path, 'inspect', '/mnt/dead/token']
    const [command, args] = inNamespace(['mount -t tmpfs tmpfs /mnt', ...dead, mountDead].join('\n'), program)
    const child = start(command, args)
    await child.toPrint('listens')
    child.process.kill('SIGINT')
    // One Ctrl-C may arrive twice: only a later one is another.
    const again = setInterval(() => child.process.kill('SIGINT'), 300)
    onTestFinished(() => clearInterval(again))
    expect(await child.end).toBe('SIGINT')
  })
})

describe('doctor --pod', () => {
  it('examines every token that is mounted, nested and single ones too, and names the default', async ({
    skip,
  }) => {
    skip(...noNamespaces)
    const [own, nested, single] = [
      await volumeOf({}, 'https://kubernetes.default.svc'),
      await volumeOf({ name: 'a/b/token' }),
      await volumeOf({}, 'other'),
    ]
    await writeFile(join(own.version, 'namespace'), 'default')
    const set = [
      MAKE_DEFAULT_DIRECTORY,
      `mount --bind ${own.directory} ${DEFAULT_DIRECTORY}`,
      `mount --bind ${nested.directory} ${OWN_DIRECTORY}`,
      `mount --bind ${single.path} ${OWN_FILE}`,
    ].join('\n')
    const { codes, json, finding, exitCode } = await doctor(['--pod'], insideAlone(set))
    const paths = [OWN_FILE, join(OWN_DIRECTORY, 'a/b/token'), `${DEFAULT_DIRECTORY}/token`]
    expect(json.tokens.map(({ path }: { path: string }) => path)).toEqual(paths)
    expect(finding('NEVER_UPDATED').path).toBe(OWN_FILE)
    const several = finding('SEVERAL_TOKENS')
    expect(several).toMatchObject({ severity: 'note', path: null })
    for (const path of paths) expect(several.seen).toContain(path)
    expect(several.seen).toContain(`The default takes ${DEFAULT_DIRECTORY}/token.`)
    expect(codes).not.toContain('NO_TOKEN_MOUNTED')
    expect(exitCode).toBe(1)

    const byDefault = await doctor([], insideAlone(set))
    expect(byDefault.json.tokens[0].path).toBe(`${DEFAULT_DIRECTORY}/token`)
    expect(byDefault.finding('SEVERAL_TOKENS').severity).toBe('note')
    expect(byDefault.exitCode).toBe(0)
  })

  it('names a mounted token that its process may not read', async ({ skip }) => {
    skip(...noNamespaces)
    skip(...noOtherUser)
    const { path, directory } = await volumeOf()
    await chmod(path, 0o600)
    const set = `${MAKE_DEFAULT_DIRECTORY}; mount --bind ${directory} ${OWN_DIRECTORY}`
    // Without its capabilities the namespace's root is somebody whom the file's owner does not let in.
    const asStranger = (command: string[]) =>
      insideAlone(set)(['setpriv', '--bounding-set=-all', '--inh-caps=-all', ...command])
    await chown(path, 65_534, 65_534)
    const { codes, finding, exitCode } = await doctor(['--pod'], asStranger)
    expect(codes).toEqual(['ERR_TOKEN_UNREADABLE'])
    expect(finding('ERR_TOKEN_UNREADABLE').path).toBe(join(OWN_DIRECTORY, 'token'))
    expect(exitCode).toBe(2)
  })

  it('names a file that its process may not read beside a token that is good', async ({ skip }) => {
    skip(...noNamespaces)
    skip(...noOtherUser)
    const [open, closed, config] = [await volumeOf(), await volumeOf({ name: 'vault' }), await volumeOf()]
    for (const { path, version } of [open, closed, config]) {
      await chmod(version, 0o755)
      await chmod(path, path === open.path ? 0o644 : 0o400)
      await chown(path, 65_534, 65_534)
    }
    // As a container sees it: what is mounted is a directory of the node's disk, and its name there tells what it is.
    const configMap = join(await temporaryDirectory(), 'volumes/kubernetes.io~configmap/settings')
    await mkdir(dirname(configMap), { recursive: true })
    await rename(config.directory, configMap)
    const set = [
      MAKE_DEFAULT_DIRECTORY,
      'mkdir /mnt/own/other /mnt/own/config',
      `mount --bind ${open.directory} ${OWN_DIRECTORY}`,
      `mount --bind ${closed.directory} /mnt/own/other`,
      `mount --bind ${configMap} /mnt/own/config`,
    ].join('\n')
    const asStranger = (command: string[]) =>
      insideAlone(set)(['setpriv', '--bounding-set=-all', '--inh-caps=-all', ...command])
    const { codes, finding, exitCode } = await doctor(['--pod'], asStranger)
    expect(codes).toEqual(expect.arrayContaining(['CLOSED_FILES']))
    expect(finding('CLOSED_FILES')).toMatchObject({
      severity: 'note',
      path: null,
      seen: 'This process may not read what is mounted as /mnt/own/other/vault: it may be a token.',
    })
    expect(codes).not.toContain('ERR_TOKEN_UNREADABLE')
    expect(exitCode).toBe(0)
  })

  it('finds a token however deep it lies, and says when a volume holds too many files', async ({ skip }) => {
    skip(...noNamespaces)
    const deep = await volumeOf({ name: 'a/b/c/d/e/f/token' })
    const many = await volumeOf({ name: 'z/token' })
    for (let n = 0; n < 1_000; n++) await writeFile(join(many.directory, `file-${n}`), '')
    const set = [
      MAKE_DEFAULT_DIRECTORY,
      'mkdir /mnt/own/many',
      `mount --bind ${deep.directory} ${OWN_DIRECTORY}`,
      `mount --bind ${many.directory} /mnt/own/many`,
    ].join('\n')
    const { json, finding, exitCode } = await doctor(['--pod'], insideAlone(set))
    expect(json.tokens.map(({ path }: { path: string }) => path)).toEqual([
      join(OWN_DIRECTORY, 'a/b/c/d/e/f/token'),
    ])
    expect(finding('NOT_ALL_SEARCHED').seen).toContain('/mnt/own/many')
    expect(exitCode).toBe(0)
  })

  it('finds nothing mounted, and names a token elsewhere to who asks for the default', async ({ skip }) => {
    skip(...noNamespaces)
    const volume = await volumeOf()
    const elsewhere = await doctor(
      [],
      insideAlone(`${MAKE_DEFAULT_DIRECTORY}; mount --bind ${volume.directory} ${OWN_DIRECTORY}`),
    )
    const missing = elsewhere.finding('ERR_TOKEN_NOT_FOUND')
    expect(missing.seen).toContain(`Mounted elsewhere: ${join(OWN_DIRECTORY, 'token')} (for "vault").`)
    expect(elsewhere.exitCode).toBe(2)
    const nothing = await doctor(['--pod'], insideAlone(MAKE_DEFAULT_DIRECTORY))
    expect(nothing.codes).toEqual(['NO_TOKEN_MOUNTED'])
    expect(nothing.exitCode).toBe(2)
    const byDefault = await doctor([], insideAlone(MAKE_DEFAULT_DIRECTORY))
    expect(byDefault.finding('ERR_TOKEN_NOT_FOUND').remedy).toContain('automountServiceAccountToken')
  })
})

describe('doctor as a user who may not read', () => {
  it('names mode, owner, its own ids, and the user to run as', async ({ skip }) => {
    skip(...noOtherUser)
    const { path } = await volumeOf({ mode: 0o600 })
    await chown(path, 1_234, 1_234)
    const { finding, exitCode } = await doctor([path], asNobody)
    const { seen, remedy, severity } = finding('ERR_TOKEN_UNREADABLE')
    expect(severity).toBe('error')
    expect(seen).toBe(
      `The file '${path}' may not be read by uid 65534 with the groups 65534. It is mode 0600, owner 1234, group 1234.`,
    )
    expect(remedy).toContain('Run as uid 1234 (runAsUser')
    expect(remedy).toContain('fsGroup')
    expect(exitCode).toBe(2)
  })

  it('names the group that the process has lost, and is content with it', async ({ skip }) => {
    skip(...noOtherUser)
    const { path } = await volumeOf({ mode: 0o640 })
    await chown(path, 0, 2_000)
    const without = await doctor([path], asNobody)
    expect(without.finding('ERR_TOKEN_UNREADABLE').remedy).toContain('Give the process the group 2000')
    const having = await doctor([path], (command) => asNobody(command, ['2000']))
    expect(having.codes).toEqual([])
    expect(having.json.user).toEqual({ uid: 65_534, groups: [2_000, 65_534] })
    expect(having.json.tokens[0].watch).toMatchObject({ state: 'unproven', reason: 'EACCES' })
    expect(having.exitCode).toBe(0)
  })

  it('names the directory that is closed to it', async ({ skip }) => {
    skip(...noOtherUser)
    const { path, version, directory } = await volumeOf({ mode: 0o644 })
    await chmod(version, 0o700)
    const { finding } = await doctor([path], asNobody)
    expect(finding('ERR_TOKEN_UNREADABLE').seen).toContain(
      `the directory '${version}' (mode 0700, owner 0, group 0) is closed to it.`,
    )
    await chmod(version, 0o755)
    await chmod(directory, 0o700)
    const above = await doctor([path], asNobody)
    expect(above.finding('ERR_TOKEN_UNREADABLE').seen).toContain(`the directory '${directory}' (mode 0700`)
  })

  it('names the closed directory that a link leads into', async ({ skip }) => {
    skip(...noOtherUser)
    const { path, directory } = await volumeOf({ mode: 0o644 })
    const links = await temporaryDirectory()
    await chmod(links, 0o755)
    await symlink(path, join(links, 'token'))
    await chmod(directory, 0o700)
    const { finding } = await doctor([join(links, 'token')], asNobody)
    const { seen, remedy } = finding('ERR_TOKEN_UNREADABLE')
    expect(seen).toContain(`the directory '${directory}' (mode 0700, owner 0, group 0) is closed to it.`)
    expect(remedy).toContain('Open the directory to this user')
  })

  // As root the tests above say more.
  it.skipIf(isRoot || process.platform === 'win32')('says that nobody may read it', async () => {
    const { path } = await volumeOf({ mode: 0 })
    const { finding, exitCode } = await doctor([path])
    expect(finding('ERR_TOKEN_UNREADABLE').seen).toContain('mode 0000')
    expect(exitCode).toBe(2)
  })
})

describe('doctor of the file watch', () => {
  it.for([
    ['ENOSPC', 'watches'],
    ['EMFILE', 'instances'],
  ] as const)('finds inotify exhausted (%s), and names the limits', async ([errno, what], { skip }) => {
    skip(...noNamespaces)
    const { path } = await volumeOf()
    const set = `echo 0 > /proc/sys/user/max_inotify_${what}`
    const { codes, json, finding, exitCode } = await doctor([path], inside(set))
    expect(codes).toEqual(['INOTIFY_EXHAUSTED'])
    const { seen, remedy } = finding('INOTIFY_EXHAUSTED')
    expect(seen).toContain(`(${errno})`)
    expect(seen).toMatch(new RegExp(`fs\\.inotify\\.max_user_${what} is \\d+`))
    expect(seen).toContain(`this user namespace allows 0 (user.max_inotify_${what})`)
    expect(remedy).toContain(`fs.inotify.max_user_${what}`)
    expect(json.tokens[0].watch).toMatchObject({ state: 'refused', reason: errno })
    expect(exitCode).toBe(1)
  })

  it('finds a watch that is dead without saying so', async ({ skip }) => {
    skip(...notLinux)
    const { path, directory } = await volumeOf()
    const preload = await writeFileFor(DEAD_INOTIFY, 'dead-inotify.mjs')
    const { codes, finding, exitCode } = await doctor([path], undefined, ['--import', preload])
    expect(codes).toEqual(['DEAD_WATCH'])
    expect(finding('DEAD_WATCH').seen).toBe(
      `A file was made in '${directory}', and a watch on it told nothing.`,
    )
    expect(exitCode).toBe(1)
  })
  it('says that there is no watch to be had', async ({ skip }) => {
    skip(...notLinux)
    const { path } = await volumeOf()
    const preload = await writeFileFor(NO_INOTIFY, 'no-inotify.mjs')
    const { codes, json, finding, exitCode } = await doctor([path], undefined, ['--import', preload])
    expect(codes).toEqual(['NO_WATCH'])
    expect(finding('NO_WATCH').seen).toContain('cannot be watched')
    expect(json.tokens[0].watch.state).toBe('refused')
    expect(exitCode).toBe(1)
  })
})
