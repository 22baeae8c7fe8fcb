import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { createFakeClock, startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type VolumeOptions, writeVolume } from './support/doctor-places.js'
import { runCli, runJson, secret, startCli } from './support/run-cli.js'
import {
  boundClaims,
  createIssuer,
  seconds,
  temporaryDirectory,
  writeFileFor,
} from './support/token-files.js'

const NOW_MS = Date.UTC(2026, 7, 1, 10)
const HOUR_MS = 3_600_000
const clock = createFakeClock({ nowMs: NOW_MS })
const issuer = await createIssuer()

const volumeOf = async (claims: Record<string, unknown>, options?: VolumeOptions) =>
  writeVolume(await issuer.sign(claims), { writtenAtMs: Number(claims.iat ?? 0) * 1_000 + 250, ...options })

interface Found {
  severity: string
  code: string
  path: string | null
  seen: string
  why: string
  remedy: string
  docs: string
}
const codesOf = (json: { findings: Found[] }) => json.findings.map(({ code }) => code)

/** The one finding with the code; fails when it is not there, or does not say everything. */
function findingOf(json: { findings: Found[] }, code: string): Found {
  const finding = json.findings.find((one) => one.code === code)
  if (!finding) return expect.fail(`there is no ${code} among ${codesOf(json)}`)
  for (const text of [finding.seen, finding.why, finding.remedy]) expect(text).toMatch(/^\S.*[.?]$/s)
  expect(finding.docs).toMatch(/^https:\/\/\S+$/)
  return finding
}

describe('doctor of a healthy token', () => {
  it('says so in one calm line', async () => {
    const { path } = await volumeOf(boundClaims(NOW_MS))
    const { exitCode, stdout, stderr } = await runCli(['doctor', path, '--audience', 'vault'], { clock })
    expect(stdout).toBe(
      `✓ healthy: ${path} is for vault, expires in 59 min, is replaced in 47 min, ` +
        'in a volume that the kubelet updates and a watch sees\n',
    )
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
  })

  it('prints one JSON object whose keys are always there', async () => {
    const { path, directory } = await volumeOf(boundClaims(NOW_MS))
    const { exitCode, json } = await runJson(['doctor', path], { clock })
    expect(json).toEqual({
      status: 'healthy',
      examinedAtMs: NOW_MS,
      user: process.getuid ? { uid: process.getuid(), groups: expect.any(Array) } : null,
      tokens: [
        {
          path,
          file: expect.objectContaining({ layout: 'projection', directory }),
          token: expect.objectContaining({ kind: 'bound', audience: ['vault'] }),
          signature: expect.objectContaining({ state: 'unchecked' }),
          mount: process.platform === 'linux' ? expect.objectContaining({ isPinned: false }) : null,
          watch: { directory, state: 'told', reason: null, limits: expect.any(Object) },
          vault: null,
        },
      ],
      findings: [],
    })
    expect(exitCode).toBe(0)
  })

  it('leaves nothing beside the token, and makes nothing with --no-probe', async () => {
    const { path, directory } = await volumeOf(boundClaims(NOW_MS))
    const before = await readdir(directory)
    expect((await runJson(['doctor', path], { clock })).json.tokens[0].watch.state).toBe('told')
    expect(await readdir(directory)).toEqual(before)
    const { exitCode, json } = await runJson(['doctor', path, '--no-probe'], { clock })
    expect(json.tokens[0].watch).toMatchObject({ state: 'unproven', reason: 'not tried' })
    expect(exitCode).toBe(0)
  })

  it('notes what is so in every pod by default, and stays healthy', async () => {
    const kubelet = await startFakeKubelet({ autoRotate: false, serve: false, algorithm: 'ES256' })
    onTestFinished(() => kubelet.close())
    secret(kubelet.current.token)
    const { exitCode, json } = await runJson(['doctor', kubelet.path])
    expect(json.status).toBe('healthy')
    expect(findingOf(json, 'WORLD_READABLE')).toMatchObject({ severity: 'note', path: kubelet.path })
    expect(codesOf(json)).toEqual(['WORLD_READABLE'])
    expect(exitCode).toBe(0)
  })
})

describe('doctor of a token', () => {
  it.each([
    ['ERR_TOKEN_EXPIRED', boundClaims(NOW_MS, 7_200), 'It expired 1 h ago'],
    ['NOT_YET_VALID', boundClaims(NOW_MS, -300), 'not valid before'],
  ])('finds it broken for %s', async (code, claims, seen) => {
    const { path } = await volumeOf(claims)
    const { exitCode, json } = await runJson(['doctor', path], { clock })
    expect(findingOf(json, code)).toMatchObject({ severity: 'error', seen: expect.stringContaining(seen) })
    expect(json.status).toBe('broken')
    expect(exitCode).toBe(2)
  })

  it.each([
    ['OVERDUE', boundClaims(NOW_MS, 3_500), 'that was due 10 min 20 s ago'],
    [
      'STALE',
      { ...boundClaims(NOW_MS, 4_000, 31_536_000), 'kubernetes.io': { warnafter: seconds(NOW_MS) - 393 } },
      'stale since',
    ],
    ['LONG_LIVED', boundClaims(NOW_MS, 60, 31_536_000), 'It lives 365 d'],
    ['SHORT_LIVED', boundClaims(NOW_MS, 60, 300), 'It lives 5 min'],
    [
      'LEGACY_TOKEN',
      { iss: 'kubernetes/serviceaccount', sub: 'system:serviceaccount:a:b' },
      'the token of a Secret',
    ],
    ['UNEXPIRING_TOKEN', { iss: 'https://issuer.example' }, 'no expiry'],
  ])('warns of %s', async (code, claims, seen) => {
    const { path } = await volumeOf(claims)
    const { exitCode, json } = await runJson(['doctor', path], { clock })
    expect(findingOf(json, code)).toMatchObject({ severity: 'warning', seen: expect.stringContaining(seen) })
    expect(json.status).toBe('warnings')
    expect(exitCode).toBe(1)
  })

  it('warns of a token that is not a JWT', async () => {
    const { path } = await writeVolume(secret('CANARYopaque0123456789abcdef'))
    const { exitCode, json } = await runJson(['doctor', path], { clock })
    expect(codesOf(json)).toEqual(['OPAQUE_TOKEN'])
    expect(findingOf(json, 'OPAQUE_TOKEN').severity).toBe('warning')
    expect(exitCode).toBe(1)
  })

  it('notes an expiry that the API server extended to a year', async () => {
    const claims = {
      ...boundClaims(NOW_MS, 0, 31_536_000),
      'kubernetes.io': { warnafter: seconds(NOW_MS) + 3_607 },
    }
    const { exitCode, json } = await runJson(['doctor', (await volumeOf(claims)).path], { clock })
    expect(findingOf(json, 'EXTENDED_EXPIRY').severity).toBe('note')
    expect(exitCode).toBe(0)
  })

  it.each([
    ['--audience', 'ERR_TOKEN_AUDIENCE', 'It is for "vault", not for "other".'],
    ['--issuer', 'ERR_TOKEN_ISSUER', 'Its issuer is "https://issuer.example", not "other".'],
    [
      '--subject',
      'ERR_TOKEN_SUBJECT',
      'Its subject is "system:serviceaccount:payments:billing", not "other".',
    ],
  ])('finds it broken when it is not what %s expects', async (option, code, seen) => {
    const { path } = await volumeOf(boundClaims(NOW_MS))
    const { exitCode, json } = await runJson(['doctor', path, option, 'other'], { clock })
    expect(findingOf(json, code).seen).toBe(seen)
    expect(exitCode).toBe(2)
  })

  it('compares its life with how often a program reads the file', async () => {
    const { path } = await volumeOf(boundClaims(NOW_MS, 60, 600))
    const slow = await runJson(['doctor', path, '--reload-interval', '5m'], { clock })
    expect(findingOf(slow.json, 'CADENCE_TOO_SLOW').seen).toBe(
      'The file is read every 5 min, while a successor may lie there for only 30 s before the old token expires.',
    )
    expect(slow.exitCode).toBe(1)
    const quick = await runJson(['doctor', path, '--reload-interval', '30s'], { clock })
    expect(codesOf(quick.json)).toEqual([])
  })

  it("finds the node's clock behind the API server's, by a volume that was written before its token", async () => {
    const kubelet = await startFakeKubelet({ autoRotate: false, serve: false, algorithm: 'ES256' })
    onTestFinished(() => kubelet.close())
    kubelet.setClockSkew(HOUR_MS)
    secret((await kubelet.rotate()).token)
    const { exitCode, json } = await runJson(['doctor', kubelet.path])
    expect(findingOf(json, 'CLOCK_BEHIND').seen).toMatch(/ before the API server issued the token\.$/)
    expect(codesOf(json)[0]).toBe('NOT_YET_VALID')
    expect(exitCode).toBe(2)
  })

  it("finds the node's clock ahead, by a volume with a token that was overdue when it was written", async () => {
    const kubelet = await startFakeKubelet({ autoRotate: false, serve: false, algorithm: 'ES256' })
    onTestFinished(() => kubelet.close())
    kubelet.setClockSkew(-3 * HOUR_MS)
    secret((await kubelet.rotate()).token)
    const { json } = await runJson(['doctor', kubelet.path])
    expect(findingOf(json, 'CLOCK_AHEAD').seen).toMatch(
      /3 h.* after the API server issued the token\. It was overdue/,
    )
  })

  it('does not suspect the clock for a token that the kubelet wrote again', async () => {
    const { path } = await volumeOf(boundClaims(NOW_MS, 1_800), { writtenAtMs: NOW_MS })
    const { json } = await runJson(['doctor', path], { clock })
    expect(codesOf(json)).toEqual([])
  })

  it('checks the signature with --jwks', async () => {
    const { path } = await volumeOf(boundClaims(NOW_MS))
    const [good, other] = await Promise.all(
      [issuer, await createIssuer('key-2')].map(async ({ jwk }) =>
        writeFileFor(JSON.stringify({ keys: [jwk] })),
      ),
    )
    const checked = await runJson(['doctor', path, '--jwks', good ?? ''], { clock })
    expect(checked.json.tokens[0].signature).toMatchObject({ state: 'valid', keyId: 'key-1' })
    expect(checked.exitCode).toBe(0)
    const wrong = await runJson(['doctor', path, '--jwks', other ?? ''], { clock })
    expect(findingOf(wrong.json, 'ERR_SIGNATURE_INVALID').severity).toBe('error')
    expect(wrong.exitCode).toBe(2)
    const absent = await runJson(['doctor', path, '--jwks', join(path, 'none')], { clock })
    expect(findingOf(absent.json, 'ERR_SIGNATURE_UNKNOWN').severity).toBe('error')
  })

  it('says that keys could not be had from a server that refuses', async () => {
    const server = createServer((_request, response) => response.writeHead(401).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { path } = await volumeOf(boundClaims(NOW_MS))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const { json } = await runJson(['doctor', path, '--jwks', url], { clock })
    expect(findingOf(json, 'ERR_SIGNATURE_UNKNOWN').seen).toContain('the server answered 401')
  })

  it('lets no claim move the cursor, hide itself, or fill the screen', async () => {
    const evil = `\u001b[2J\u202e\u0007${'x'.repeat(5_000)}`
    const { path } = await volumeOf({ ...boundClaims(NOW_MS), sub: evil, iss: evil, aud: [evil] })
    const { stdout } = await runCli(['doctor', path, '-a', 'x', '--issuer', 'x'], { clock })
    expect(stdout).toMatch(/^[\x20-\x7e\n✓✗!…]+$/)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThan(2_500)
    const healthy = await runCli(['doctor', path], { clock })
    expect(healthy.stdout).toMatch(/^[\x20-\x7e\n✓✗!…]+$/)
  })
})

describe('doctor of a file', () => {
  it('names what is there of the path, when nothing is mounted', async () => {
    const directory = await temporaryDirectory()
    const { exitCode, json } = await runJson(['doctor', join(directory, 'tokens/vault')])
    const { seen, severity } = findingOf(json, 'ERR_TOKEN_NOT_FOUND')
    expect(seen).toContain(`'${directory}', the nearest directory, holds no token.`)
    expect(severity).toBe('error')
    expect(json.tokens[0]).toMatchObject({ file: null, token: null, watch: null })
    expect(exitCode).toBe(2)
  })

  it('names the token that lies beside, and in a directory that was given', async () => {
    const { path, directory } = await volumeOf(boundClaims(NOW_MS), { name: 'vault-token' })
    const beside = await runJson(['doctor', join(directory, 'token')], { clock })
    expect(findingOf(beside.json, 'ERR_TOKEN_NOT_FOUND')).toMatchObject({
      seen: expect.stringContaining('the volume of a kubelet, holds vault-token'),
      remedy: `Give the path '${path}'.`,
    })
    const given = await runJson(['doctor', directory], { clock })
    expect(findingOf(given.json, 'ERR_TOKEN_NOT_A_FILE').remedy).toBe(`Give the path '${path}'.`)
  })

  it('finds a link past ..data into one version of the volume, and is content with one to the file', async () => {
    const { path, version } = await volumeOf(boundClaims(NOW_MS))
    const links = await temporaryDirectory()
    const [pinned, following] = [join(links, 'pinned'), join(links, 'following')]
    await symlink(join(version, 'token'), pinned)
    await symlink(path, following)
    for (const past of [pinned, join(version, 'token')]) {
      const { exitCode, json } = await runJson(['doctor', past], { clock })
      expect(codesOf(json)).toEqual(['NEVER_UPDATED'])
      expect(findingOf(json, 'NEVER_UPDATED').seen).toContain('which the next rotation removes')
      expect(exitCode).toBe(1)
    }
    for (const good of [following, path]) {
      const { exitCode, json } = await runJson(['doctor', good], { clock })
      expect(codesOf(json)).toEqual([])
      expect(exitCode).toBe(0)
    }
  })

  it('warns of a plain file instead of a projection', async () => {
    const path = await writeFileFor(await issuer.sign(boundClaims(NOW_MS)))
    const { exitCode, json } = await runJson(['doctor', path], { clock })
    expect(findingOf(json, 'NOT_PROJECTED').seen).toContain('is a plain file')
    expect(codesOf(json)).toEqual(['NOT_PROJECTED'])
    expect(exitCode).toBe(1)
  })

  it.each([
    ['ERR_TOKEN_EMPTY', ''],
    ['ERR_TOKEN_EMPTY', ' \n'],
    ['ERR_TOKEN_MALFORMED', 'CANARY-one CANARY-two'],
    ['ERR_TOKEN_MALFORMED', 'eyJhbGciOiJFUzI1NiJ9.CANARYbroken'],
  ])('finds %s broken, and shows nothing of the content %j', async (code, content) => {
    const { path } = await writeVolume(content)
    const { exitCode, json } = await runJson(['doctor', path])
    expect(findingOf(json, code).severity).toBe('error')
    expect(JSON.stringify(json)).not.toContain('CANARY')
    expect(json.tokens[0].watch.state).toBe('told')
    expect(exitCode).toBe(2)
  })

  it('finds no fault with a file that was read in the middle of being written', async () => {
    const { path, version } = await writeVolume('')
    const token = await issuer.sign(boundClaims(Date.now()))
    const torn = createFakeClock({ nowMs: Date.now() })
    const run = runJson(['doctor', path], {
      // The writer goes on when the first read has found nothing, and the next one is due.
      clock: {
        ...torn,
        setTimer(callback, delayMs, options) {
          if (delayMs !== 20) return torn.setTimer(callback, delayMs, options)
          writeFile(join(version, 'token'), token).then(callback)
          return () => {}
        },
      },
    })
    expect(codesOf((await run).json)).toEqual([])
  })

  it('says what a directory, or a much too large file, is', async () => {
    const directory = await temporaryDirectory()
    await mkdir(join(directory, 'token'))
    const { json } = await runJson(['doctor', join(directory, 'token')])
    expect(findingOf(json, 'ERR_TOKEN_NOT_A_FILE').seen).toContain('leads to a directory, not to a regular')
    const device = await runJson(['doctor', '/dev/null'])
    expect(findingOf(device.json, 'ERR_TOKEN_NOT_A_FILE').seen).toMatch(
      /leads to a .*device, not to a regular/,
    )
    const large = await runJson(['doctor', await writeFileFor(Buffer.alloc(1_048_577))])
    expect(findingOf(large.json, 'ERR_TOKEN_TOO_LARGE').severity).toBe('error')
  })
})

describe('the report for a person', () => {
  it('has the worst first, each with its code, where it is documented, and three lines', async () => {
    const path = await writeFileFor(await issuer.sign(boundClaims(NOW_MS, 7_200)), 'token', 0o644)
    const { exitCode, stdout } = await runCli(['doctor', path, '-a', 'vault'], { clock })
    const lines = stdout.split('\n')
    expect(lines[0]).toBe('✗ broken: 1 error, 1 warning, 1 note')
    expect(lines[1]).toBe('')
    expect(lines[2]).toMatch(/^✗ ERR_TOKEN_EXPIRED {2}https:\/\/kubernetes\.io\//)
    expect(lines[3]).toBe('  seen  It expired 1 h ago and was not replaced.')
    expect(lines[4]).toMatch(/^ {2}why {3}A server refuses/)
    expect(lines[5]).toMatch(/^ {2}do {4}It does not lie in a volume of a kubelet/)
    expect(lines.filter((line) => /^[✗!·] /u.test(line)).map((line) => line.split(' ')[1])).toEqual([
      'broken:',
      'ERR_TOKEN_EXPIRED',
      'NOT_PROJECTED',
      'WORLD_READABLE',
    ])
    expect(exitCode).toBe(2)
  })

  it('ends with its own code for a command line that cannot be understood', async () => {
    for (const argv of [
      ['--audence', 'x'],
      ['a', 'b'],
      ['--pod', 'token'],
      ['--pod', '--vault', '--role', 'app'],
      ['--vault'],
      ['--role', 'app'],
      ['token', '--address', 'https://vault.example'],
      ['token', '--method', 'kubernetes'],
      ['token', '--tls-skip-verify'],
      ['--reload-interval', 'soon'],
      [''],
    ]) {
      const { exitCode, stdout, stderr } = await runCli(['doctor', ...argv])
      expect(stderr).toMatch(/^error: [\s\S]*code {3}ERR_USAGE\n$/)
      expect(stdout).toBe('')
      expect(exitCode).toBe(64)
    }
    const { exitCode, stdout } = await runCli(['doctor', '--help'])
    expect(stdout).toContain('Exit codes: 0 healthy, 1 warnings, 2 broken; 64 usage')
    expect(exitCode).toBe(0)
  })

  it('ends on Ctrl-C, and reports nothing', async () => {
    let onRequest = () => {}
    const asked = new Promise<void>((resolve) => {
      onRequest = resolve
    })
    const server = createServer(() => onRequest())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { path } = await volumeOf(boundClaims(NOW_MS))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const cli = startCli(['doctor', path, '--jwks', url], { clock })
    await asked
    cli.interrupt('SIGINT')
    expect(await cli.exitCode).toBe(130)
    expect(cli.stdout()).toBe('')
  })

  it('reads a path whose directory vanished as one that is not there', async () => {
    const { path } = await volumeOf(boundClaims(NOW_MS))
    await rm(dirname(path), { recursive: true })
    expect((await runJson(['doctor', path])).exitCode).toBe(2)
  })
})
