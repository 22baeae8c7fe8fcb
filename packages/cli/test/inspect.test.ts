import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFakeClock, startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { findFindings } from '../src/inspect/findings.js'
import { runCli, runJson, secret } from './support/run-cli.js'
import {
  boundClaims,
  createIssuer,
  seconds,
  temporaryDirectory,
  writeFileFor,
} from './support/token-files.js'

const NOW_MS = Date.UTC(2026, 7, 1, 10)
const clock = createFakeClock({ nowMs: NOW_MS })
const issuer = await createIssuer()
const write = async (claims: Record<string, unknown>) => writeFileFor(await issuer.sign(claims))

const codesOf = (json: { findings: { code: string }[] }) => json.findings.map(({ code }) => code)

describe('inspect', () => {
  it('shows who a token is for, for whom, until when, and how its file got there', async () => {
    const path = await write(boundClaims(NOW_MS))
    const { exitCode, stdout, stderr } = await runCli(['inspect', path, '--audience', 'vault'], { clock })
    const lines = stdout.split('\n')
    expect(lines[0]).toBe('✓ usable: expires in 59 min')
    expect(lines).toContain('  subject          system:serviceaccount:payments:billing')
    expect(lines).toContain('  namespace        payments')
    expect(lines).toContain('  service account  billing (uid sa-uid)')
    expect(lines).toContain('  pod              billing-7d4b9 (uid pod-uid)')
    expect(lines).toContain('  node             node-1 (uid node-uid)')
    expect(lines).toContain('  audience         vault')
    expect(lines).toContain('  issuer           https://issuer.example')
    expect(lines).toContain('  issued           2026-08-01T09:59:00.000Z (1 min ago)')
    expect(lines).toContain('  expires          2026-08-01T10:59:00.000Z (in 59 min)')
    expect(lines).toContain('  rotation due     2026-08-01T10:47:00.000Z (in 47 min)')
    expect(lines).toContain('  overdue from     2026-08-01T10:48:30.000Z (in 48 min 30 s)')
    expect(lines).toContain('  kind             bound (a JWT with an expiry)')
    expect(lines).toContain('  signed by        ES256, key id key-1')
    expect(lines).toContain('  signature        not checked (give the keys with --jwks)')
    expect(lines).toContain(`  path             ${path}`)
    expect(lines).toContain('  layout           plain: a file that something else has to replace')
    expect(stdout).toMatch(/^ {2}mode {13}0600, owner \d+, group \d+$/m)
    expect(stdout).not.toContain('Findings')
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
  })

  it('prints one JSON object whose keys are always there', async () => {
    const path = await write(boundClaims(NOW_MS))
    const { exitCode, json } = await runJson(['inspect', path], { clock })
    expect(json).toEqual({
      ok: true,
      path,
      inspectedAtMs: NOW_MS,
      file: {
        layout: 'plain',
        directory: path.slice(0, -'/token'.length),
        mode: '0600',
        uid: process.getuid?.(),
        gid: expect.any(Number),
        sizeBytes: expect.any(Number),
        modifiedAtMs: expect.any(Number),
      },
      token: {
        kind: 'bound',
        fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/),
        algorithm: 'ES256',
        keyId: 'key-1',
        id: '7f4df3c6-0f0b-4d0e-9d0a-8d1b3f1f7a10',
        issuer: 'https://issuer.example',
        subject: 'system:serviceaccount:payments:billing',
        audience: ['vault'],
        namespace: 'payments',
        serviceAccount: { name: 'billing', uid: 'sa-uid' },
        pod: { name: 'billing-7d4b9', uid: 'pod-uid' },
        node: { name: 'node-1', uid: 'node-uid' },
        issuedAtMs: NOW_MS - 60_000,
        notBeforeMs: NOW_MS - 60_000,
        expiresAtMs: NOW_MS + 3_540_000,
        warnAfterMs: null,
        rotationDueAtMs: NOW_MS + 2_820_000,
        overdueAtMs: NOW_MS + 2_910_000,
        expired: false,
        overdue: false,
      },
      signature: { state: 'unchecked', keyId: null, source: null, reason: null },
      findings: [],
      nearby: null,
    })
    expect(exitCode).toBe(0)
  })

  it("recognises a kubelet's volume, and says what is to be said of its mode", async () => {
    const kubelet = await startFakeKubelet({ autoRotate: false, serve: false, algorithm: 'ES256' })
    onTestFinished(() => kubelet.close())
    secret(kubelet.current.token)
    const { exitCode, json } = await runJson(['inspect', kubelet.path])
    expect(json.file).toMatchObject({ layout: 'projection', directory: kubelet.directory, mode: '0644' })
    expect(json.findings).toEqual([
      {
        severity: 'warning',
        code: 'WORLD_READABLE',
        message:
          'Every user of the container can read it (mode 0644). ' +
          'Set fsGroup (0640), or the same runAsUser for all containers (0600).',
      },
    ])
    expect(exitCode).toBe(0)
  })

  it('says what it knows of an expired token, and fails', async () => {
    const path = await write(boundClaims(NOW_MS, 7_200))
    const { exitCode, stdout } = await runCli(['inspect', path], { clock })
    expect(stdout).toMatch(/^✗ not usable: ERR_TOKEN_EXPIRED\n/)
    expect(stdout).toContain('subject          system:serviceaccount:payments:billing')
    expect(stdout).toContain('expires          2026-08-01T09:00:00.000Z (1 h ago)')
    expect(stdout).toContain('✗ ERR_TOKEN_EXPIRED: It expired 1 h ago and was not replaced.')
    expect(exitCode).toBe(1)
  })

  it.each([
    ['OVERDUE', boundClaims(NOW_MS, 3_500)],
    [
      'STALE',
      { ...boundClaims(NOW_MS, 4_000, 31_536_000), 'kubernetes.io': { warnafter: seconds(NOW_MS) - 393 } },
    ],
    [
      'EXTENDED_EXPIRY',
      { ...boundClaims(NOW_MS, 0, 31_536_000), 'kubernetes.io': { warnafter: seconds(NOW_MS) + 3_607 } },
    ],
    ['LONG_LIVED', boundClaims(NOW_MS, 60, 31_536_000)],
    ['LEGACY_TOKEN', { iss: 'kubernetes/serviceaccount', sub: 'system:serviceaccount:a:b' }],
    ['UNEXPIRING_TOKEN', { iss: 'https://issuer.example' }],
  ])('warns of %s, and does not fail', async (code, claims) => {
    const { exitCode, json } = await runJson(['inspect', await write(claims)], { clock })
    expect(codesOf(json)).toContain(code)
    expect(json.findings.every(({ severity }: { severity: string }) => severity === 'warning')).toBe(true)
    expect(exitCode).toBe(0)
  })

  it('fails for a token that is not valid yet, beyond what clocks differ', async () => {
    const early = await runJson(['inspect', await write(boundClaims(NOW_MS, -59))], { clock })
    expect(early.exitCode).toBe(0)
    const { exitCode, json } = await runJson(['inspect', await write(boundClaims(NOW_MS, -300))], { clock })
    expect(codesOf(json)).toEqual(['NOT_YET_VALID'])
    expect(exitCode).toBe(1)
  })

  it('accepts one of several audiences', async () => {
    const path = await write(boundClaims(NOW_MS))
    const { exitCode } = await runCli(['inspect', path, '-a', 'consul', '-a', 'vault'], { clock })
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
  ])('fails when the token is not what %s expects', async (option, code, message) => {
    const path = await write(boundClaims(NOW_MS))
    const { exitCode, stdout } = await runCli(['inspect', path, option, 'other'], { clock })
    expect(stdout).toContain(`✗ ${code}: ${message}`)
    expect(exitCode).toBe(1)
  })

  it('says that nothing is known of an opaque token', async () => {
    const path = await writeFileFor(`${secret('s.CANARYhvs0123456789abcdef')}\n`)
    const { exitCode, stdout } = await runCli(['inspect', path], { clock })
    expect(stdout).toMatch(/^✓ usable: no known expiry, 1 warning\n/)
    expect(stdout).toContain('kind             opaque (not a JWT)')
    expect(stdout).not.toContain('subject')
    expect(exitCode).toBe(0)
  })

  it.each([
    ['ERR_TOKEN_EMPTY', ''],
    ['ERR_TOKEN_MALFORMED', 'CANARY-one CANARY-two'],
    ['ERR_TOKEN_MALFORMED', 'eyJhbGciOiJFUzI1NiJ9.CANARYbroken'],
  ])('says what it knows of a file with %s', async (code, content) => {
    const path = await writeFileFor(content)
    const { exitCode, stdout } = await runCli(['inspect', path])
    expect(stdout).toContain(`✗ not usable: ${code}\n`)
    expect(stdout).toContain(`size             ${content.length} bytes`)
    expect(stdout).not.toContain('CANARY')
    expect(exitCode).toBe(1)
  })

  it('names the tokens in a directory that was given instead of a file', async () => {
    const kubelet = await startFakeKubelet({ autoRotate: false, serve: false, algorithm: 'ES256' })
    onTestFinished(() => kubelet.close())
    secret(kubelet.current.token)
    const { exitCode, stdout, stderr } = await runCli(['inspect', kubelet.directory])
    expect(stderr).toBe(
      [
        `error: Token path '${kubelet.directory}' leads to a directory, not to a regular file`,
        `  found  '${kubelet.directory}' is the volume of a kubelet; it holds token`,
        `  do     projected-token inspect ${kubelet.path}`,
        '  code   ERR_TOKEN_NOT_A_FILE',
        '',
      ].join('\n'),
    )
    expect(stdout).toBe('')
    expect(exitCode).toBe(1)
  })

  it('names the tokens next to a missing one', async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, 'namespace'), 'default')
    await writeFile(join(directory, 'vault-token'), await issuer.sign(boundClaims(NOW_MS)))
    await mkdir(join(directory, 'token.d'))
    const { exitCode, json } = await runJson(['inspect', join(directory, 'token')])
    expect(json).toMatchObject({ ok: false, file: null, token: null })
    expect(codesOf(json)).toEqual(['ERR_TOKEN_NOT_FOUND'])
    expect(json.nearby).toEqual({ directory, isVolume: false, tokens: [join(directory, 'vault-token')] })
    expect(exitCode).toBe(1)
  })

  it('says how far the path of a missing file leads, and what the default is for', async () => {
    const { exitCode, stderr } = await runCli(['inspect', '/nonexistent/volume/token'])
    expect(stderr).toContain("  found  '/' is all that there is of its path; no token lies in it\n")
    expect(exitCode).toBe(1)
    const byDefault = await runCli(['inspect'])
    expect(byDefault.stderr).toContain(
      "error: Token file '/var/run/secrets/kubernetes.io/serviceaccount/token' ",
    )
    expect(byDefault.stderr).toContain('  do     Outside of a pod, give the path of a token file\n')
  })

  // Skipped as root, who may read every file.
  it.skipIf(process.getuid?.() === 0)('says who may read a file that it may not', async () => {
    const path = await write(boundClaims(NOW_MS))
    await chmod(path, 0)
    const { exitCode, stderr } = await runCli(['inspect', path])
    expect(stderr).toContain('fsGroup')
    expect(stderr).toContain('code   ERR_TOKEN_UNREADABLE')
    expect(exitCode).toBe(1)
  })

  it('lets no claim move the cursor, hide itself, or fill the screen', async () => {
    const evil = `\u001b[2J\u202e\u0007${'x'.repeat(5_000)}`
    const claims = { ...boundClaims(NOW_MS), sub: evil, iss: evil, aud: [evil], jti: evil }
    const path = await writeFileFor(await issuer.sign(claims, { kid: evil, alg: 'ES256' }))
    const { stdout } = await runCli(['inspect', path, '-a', evil.slice(1), '--issuer', 'x'], { clock })
    expect(stdout).toMatch(/^[\x20-\x7e\n✓✗…]+$/)
    expect(stdout).toContain('\\u{1b}[2J\\u{202e}\\u{7}xxx')
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThan(2_500)
    const { json } = await runJson(['inspect', path], { clock })
    expect(json.token.subject).toBe(evil)
  })

  it('tells of a file that is mounted by itself', () => {
    const token = { kind: 'bound', audience: [], expired: false, overdue: false } as never
    const file = { layout: 'mounted-file', mode: '0600' } as never
    const signature = { state: 'unchecked' } as never
    const findings = findFindings({ token, file, signature, expected: {}, nowMs: NOW_MS })
    expect(findings).toEqual([
      {
        severity: 'warning',
        code: 'NEVER_UPDATED',
        message:
          'The file is mounted by itself (a subPath, or a single-file mount): the kubelet never updates it. ' +
          'Mount the whole volume.',
      },
    ])
  })
})
