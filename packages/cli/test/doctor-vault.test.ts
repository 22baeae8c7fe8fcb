import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createCertificate } from '../../../test/support/certificates.js'
import { notLinux, writeVolume } from './support/doctor-places.js'
import { runCli, runJson, secret } from './support/run-cli.js'
import { boundClaims, createIssuer, writeFileFor } from './support/token-files.js'
import {
  SEALED,
  startVaultStandIn,
  UNKNOWN_ROLE,
  type VaultStandIn,
  WRONG_AUDIENCE,
} from './support/vault-stand-in.js'

const issuer = await createIssuer()
const volume = async (ageSeconds = 60) => {
  const nowMs = Date.now()
  const token = await issuer.sign(boundClaims(nowMs, ageSeconds))
  return writeVolume(token, { writtenAtMs: nowMs - ageSeconds * 1_000 })
}

async function ask(
  vault: Pick<VaultStandIn, 'address'>,
  argv: string[] = [],
  ageSeconds?: number,
  env: Record<string, string> = {},
) {
  const { path } = await volume(ageSeconds)
  const run = await runJson(['doctor', path, '--vault', '--role', 'app', ...argv], {
    env: { VAULT_ADDR: vault.address, ...env },
  })
  const codes = run.json.findings.map(({ code }: { code: string }) => code)
  return { ...run, codes, finding: run.json.findings[0], facts: run.json.tokens[0].vault }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An address where nobody listens. */
async function deadAddress(): Promise<string> {
  const server = createServer()
  const address = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return address
}

describe('doctor --vault', () => {
  it('logs in once, and revokes what it got', async () => {
    const vault = await startVaultStandIn(secret)
    const { codes, facts, exitCode } = await ask(vault, ['--audience', 'vault', '--mount', 'k8s'])
    expect(codes).toEqual([])
    expect(facts).toMatchObject({ state: 'logged-in', role: 'app', leaseMs: 3_600_000, failure: null })
    expect(vault.requests[0]).toMatchObject({ path: '/v1/auth/k8s/login', body: { role: 'app' } })
    expect(vault.count('/login')).toBe(1)
    expect(vault.count('/revoke-self')).toBe(1)
    expect(exitCode).toBe(0)
  })

  it('tells the login in its one calm line', async () => {
    const vault = await startVaultStandIn(secret)
    const { path } = await volume()
    const { stdout, exitCode } = await runCli(['doctor', path, '--vault', '--role', 'app'], {
      env: { VAULT_ADDR: vault.address },
    })
    expect(stdout).toMatch(/^✓ healthy: [^\n]*; Vault's role app gives a token of 1 h\n$/)
    expect(exitCode).toBe(0)
  })

  it('names the audience that Vault does not expect, and where to change it', async () => {
    const vault = await startVaultStandIn(secret)
    vault.loginReply = WRONG_AUDIENCE
    const { codes, finding, exitCode } = await ask(vault)
    expect(codes).toEqual(['ERR_VAULT_JWT_REFUSED'])
    expect(finding.seen).toBe(
      `The Vault login at ${vault.address} (auth/kubernetes, role 'app') failed: Vault answered 403: ` +
        '"invalid audience (aud) claim: audience claim does not match any expected audience".',
    )
    expect(finding.remedy).toMatch(/^The token is for "vault": set the same in the role/)
    expect(vault.count('/login')).toBe(1)
    expect(exitCode).toBe(2)
  })

  it.each([
    ['ERR_VAULT_ROLE', UNKNOWN_ROLE, /invalid role name/, /Create the role/],
    ['ERR_VAULT_SEALED', SEALED, /sealed/, /Unseal/],
    [
      'ERR_VAULT_PERMISSION_DENIED',
      { status: 403, body: { errors: ['permission denied'] } },
      /permission denied/,
      /mount exist/,
    ],
    [
      'ERR_VAULT_LOGIN_REFUSED',
      {
        status: 404,
        body: { errors: ['no handler for route "auth/kubernetes/login". route entry not found.'] },
      },
      /no handler for route/,
      /right mount/,
    ],
    ['ERR_VAULT_RATE_LIMITED', { status: 429, body: { errors: ['quota'] } }, /429/, /quotas/],
    ['ERR_VAULT_UNAVAILABLE', { status: 500, body: { errors: ['internal error'] } }, /500/, /reachable/],
    [
      'ERR_VAULT_JWT_NOT_YET_VALID',
      { status: 403, body: { errors: ['error validating token: token not yet valid'] } },
      /not yet valid/,
      /clocks/,
    ],
  ] as const)('finds it broken for %s after one login', async (code, reply, seen, remedy) => {
    const vault = await startVaultStandIn(secret)
    vault.loginReply = reply
    const { codes, finding, facts, exitCode } = await ask(vault)
    expect(codes).toEqual([code])
    expect(finding).toMatchObject({ severity: 'error', docs: expect.stringMatching(/^https:/) })
    expect(finding.seen).toMatch(seen)
    expect(finding.seen).not.toContain('tried again')
    expect(finding.remedy).toMatch(remedy)
    expect(facts).toMatchObject({ state: 'failed', address: vault.address })
    expect(vault.count('/login')).toBe(1)
    expect(exitCode).toBe(2)
  })

  it('says that Vault cannot be reached', async () => {
    const { codes, finding, exitCode } = await ask({ address: await deadAddress() })
    expect(codes).toEqual(['ERR_VAULT_UNAVAILABLE'])
    expect(finding.seen).toContain('ECONNREFUSED')
    expect(exitCode).toBe(2)
  })

  it.each([
    ['expired token', [], 7_200, 'ERR_TOKEN_EXPIRED'],
    ['token for others', ['--audience', 'other'], 60, 'ERR_TOKEN_AUDIENCE'],
  ])('sends no %s', async (_what, argv, ageSeconds, code) => {
    const vault = await startVaultStandIn(secret)
    const { codes, facts, exitCode } = await ask(vault, argv, ageSeconds)
    expect(codes).toEqual([code, 'VAULT_NOT_ASKED'])
    expect(facts.state).toBe('not-asked')
    expect(vault.requests).toEqual([])
    expect(exitCode).toBe(2)
  })

  it('says that a second factor is wanted', async () => {
    const vault = await startVaultStandIn(secret)
    vault.grant = { client_token: '', mfa_requirement: { mfa_request_id: 'id', mfa_constraints: {} } }
    const { codes, exitCode } = await ask(vault)
    expect(codes).toEqual(['ERR_VAULT_MFA_REQUIRED'])
    expect(vault.count('/login')).toBe(1)
    expect(exitCode).toBe(2)
  })

  it('follows no redirect to elsewhere', async () => {
    const elsewhere = await startVaultStandIn(secret)
    const server = createServer((_request, response) => {
      response.writeHead(307, { location: `${elsewhere.address}/v1/auth/kubernetes/login` }).end()
    })
    const address = await listen(server)
    onTestFinished(() => void server.close())
    const { codes } = await ask({ address })
    expect(codes).toEqual(['ERR_VAULT_REDIRECT'])
    expect(elsewhere.requests).toEqual([])
  })

  it('gives the token to no server whose certificate is not trusted', async () => {
    const { caPem, certPem, keyPem } = await createCertificate()
    let requests = 0
    const server = createTlsServer({ cert: certPem, key: keyPem }, (_request, response) => {
      requests++
      response.writeHead(503).end()
    })
    const address = (await listen(server)).replace('http:', 'https:')
    onTestFinished(() => void server.close())
    const { codes, finding } = await ask({ address })
    expect(codes).toEqual(['ERR_VAULT_TLS'])
    expect(finding.remedy).toContain('--ca-cert')
    expect(requests).toBe(0)
    const trusting = await ask({ address }, ['--ca-cert', await writeFileFor(caPem)])
    expect(trusting.codes).toEqual(['ERR_VAULT_UNAVAILABLE'])
    expect(requests).toBe(1)
  })

  it('says that the file of an authority is not there', async () => {
    const { codes, finding } = await ask({ address: 'https://127.0.0.1:9' }, ['--ca-cert', '/nonexistent/ca'])
    expect(codes).toEqual(['ERR_VAULT_TLS'])
    expect(finding.seen).toContain("'/nonexistent/ca'")
    expect(finding.remedy).toMatch(/^Correct the path.*--ca-cert/)
  })

  it('warns of what is trusted without reason', async ({ skip }) => {
    const vault = await startVaultStandIn(secret)
    const skipping = await ask(vault, ['--tls-skip-verify'])
    expect(skipping.codes).toEqual(['SKIP_VERIFY'])
    expect(skipping.exitCode).toBe(1)
    const ignored = await ask(vault, [], undefined, { VAULT_SKIP_VERIFY: '1' })
    expect(ignored.codes).toEqual(['SKIP_VERIFY_IGNORED'])
    skip(...notLinux) // where 0.0.0.0 leads to this machine
    const open = await ask({ address: vault.address.replace('127.0.0.1', '0.0.0.0') })
    expect(open.codes).toEqual(['PLAINTEXT'])
    expect(open.exitCode).toBe(1)
  })
})
