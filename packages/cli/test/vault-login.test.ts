import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { risksOf } from '../src/vault/open-vault.js'
import { normaliseVaultArgv } from '../src/vault/vault-argv.js'
import { runCli, startCli } from './support/run-cli.js'
import { boundClaims, createIssuer, temporaryDirectory, writeFileFor } from './support/token-files.js'
import {
  SEALED,
  startVaultStandIn,
  UNKNOWN_ROLE,
  type VaultStandIn,
  WRONG_AUDIENCE,
} from './support/vault-stand-in.js'

const issuer = await createIssuer()
let vault: VaultStandIn
let jwt: string
let jwtPath: string
let env: Record<string, string>

beforeEach(async () => {
  vault = await startVaultStandIn()
  jwt = await issuer.sign(boundClaims(Date.now()))
  jwtPath = await writeFileFor(`${jwt}\n`)
  env = { VAULT_ADDR: vault.address, HOME: await temporaryDirectory() }
})

const argv = (...more: string[]) => ['vault', 'login', '--role', 'app', '--token-path', jwtPath, ...more]
const login = (...more: string[]) => runCli(argv(...more), { env })
const helperFile = () => join(env.HOME as string, '.vault-token')

describe('vault login', () => {
  it('prints the table that Vault prints', async () => {
    vault.lookup = { policies: ['default', 'secret-reader'], identity_policies: ['team'] }
    const { exitCode, stdout, stderr } = await login()
    expect(stdout.split('\n').slice(3)).toEqual([
      'Key                                     Value',
      '---                                     -----',
      `token                                   ${vault.issued[0]}`,
      'token_accessor                          accessor-1',
      'token_duration                          1h',
      'token_renewable                         true',
      'token_policies                          ["default" "secret-reader"]',
      'identity_policies                       ["team"]',
      'policies                                ["default" "secret-reader" "team"]',
      'token_meta_role                         app',
      'token_meta_service_account_name         billing',
      'token_meta_service_account_namespace    payments',
      '',
    ])
    expect(stdout).toContain('The token was not stored in token helper.')
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
  })

  it('prints the token all the same when nobody answers the lookup that follows', async () => {
    vault.silentAt = '/lookup-self'
    const { exitCode, stdout } = await login('--field', 'token')
    expect(stdout).toBe(vault.issued[0])
    expect(exitCode).toBe(0)
  })

  it('ends when it is interrupted during that lookup, and prints no token', async () => {
    vault.silentAt = '/lookup-self'
    const cli = startCli(argv('--field', 'token'), { env })
    await expect.poll(() => vault.count('/lookup-self')).toBe(1)
    cli.interrupt('SIGTERM')
    expect(await cli.exitCode).toBe(143)
    expect(cli.stdout()).toBe('')
  })

  it('sends the JWT of the file, trimmed, to the mount of the method', async () => {
    await login()
    await login('--method', 'jwt', '--mount', 'auth/k8s/prod/', '--namespace', 'team/')
    expect(vault.requests.filter(({ path }) => path.endsWith('/login'))).toMatchObject([
      { path: '/v1/auth/kubernetes/login', namespace: undefined, body: { role: 'app', jwt } },
      { path: '/v1/auth/k8s/prod/login', namespace: 'team', body: { role: 'app', jwt } },
    ])
  })

  it('prints one field alone, without a line end for another program to trip over', async () => {
    expect((await login('--field', 'token')).stdout).toBe(vault.issued[0])
    expect((await login('--field', 'policies')).stdout).toBe('[default secret-reader]')
    expect((await login('--field', 'policies', '--format', 'json')).stdout).toBe(
      '[\n  "default",\n  "secret-reader"\n]',
    )
    expect((await login('--field', 'token_duration')).stdout).toBe('3600')
    const { stdout } = await runCli(argv('--field', 'token'), { env, tty: true })
    expect(stdout).toBe(`${vault.issued[4]}\n`)
  })

  it('says which fields there are when there is no such one', async () => {
    const { exitCode, stdout, stderr } = await login('--field', 'tokn')
    expect(stderr).toContain(
      "error: Field 'tokn' is not present in the login\n  found  token, token_accessor,",
    )
    expect(stdout).toBe('')
    expect(exitCode).toBe(1)
  })

  it.each([
    ['--format json', ['--format', 'json'], {}],
    ['--json', ['--json'], {}],
    ['the variable VAULT_FORMAT', [], { VAULT_FORMAT: 'json' }],
  ])('prints the JSON that Vault prints, by %s', async (_way, more, variables) => {
    Object.assign(env, variables)
    const { stdout } = await login(...more)
    expect(JSON.parse(stdout)).toEqual({
      request_id: '',
      lease_id: '',
      lease_duration: 0,
      renewable: false,
      data: null,
      warnings: null,
      auth: {
        client_token: vault.issued[0],
        accessor: 'accessor-1',
        policies: ['default', 'secret-reader'],
        token_policies: ['default', 'secret-reader'],
        identity_policies: null,
        metadata: { role: 'app', service_account_name: 'billing', service_account_namespace: 'payments' },
        orphan: true,
        entity_id: '01234567-89ab-cdef-0123-456789abcdef',
        lease_duration: 3_600,
        renewable: true,
        mfa_requirement: null,
      },
    })
  })

  it('does not spend a use of a token that has few', async () => {
    vault.grant = { num_uses: 1 }
    const { stdout } = await login('--format', 'json')
    expect(vault.requests).toHaveLength(1)
    expect(JSON.parse(stdout).auth.token_policies).toEqual(['default', 'secret-reader'])
  })

  it('understands what is written as for the vault CLI', async () => {
    const words = ['-path=k8s', `-address=${vault.address}`, '-ns', 'team', '-token-only', 'role=app']
    const { stdout } = await runCli(['vault', 'login', '-token-path', jwtPath, ...words])
    expect(stdout).toBe(vault.issued[0])
    expect(vault.requests[0]).toMatchObject({ path: '/v1/auth/k8s/login', namespace: 'team' })
  })

  it('stores nothing unless it is asked', async () => {
    await login()
    expect(await readdir(env.HOME as string)).toEqual([])
  })

  it('stores the token where the vault CLI looks for it, for nobody else to read', async () => {
    await writeFile(helperFile(), 'older', { mode: 0o644 })
    await chmod(helperFile(), 0o644)
    const { exitCode, stdout } = await login('--store')
    expect(await readFile(helperFile(), 'utf8')).toBe(vault.issued[0])
    expect((await stat(helperFile())).mode & 0o777).toBe(0o600)
    expect(await readdir(env.HOME as string)).toEqual(['.vault-token'])
    expect(stdout).toContain('is already stored in the token helper.')
    expect(exitCode).toBe(0)
  })

  it('prints nothing with --no-print', async () => {
    const { exitCode, stdout, stderr } = await login('-no-print', '-store')
    expect(stdout + stderr).toBe('')
    expect(await readFile(helperFile(), 'utf8')).toBe(vault.issued[0])
    expect(exitCode).toBe(0)
  })

  it('does not follow a symbolic link to store the token', async () => {
    const target = await writeFileFor('precious')
    await symlink(target, helperFile())
    const { exitCode, stdout, stderr } = await login('--store')
    expect(stderr).toContain('is a symbolic link, which is not followed; name its target')
    expect(stderr).toContain('ERR_STORE')
    expect(await readFile(target, 'utf8')).toBe('precious')
    expect(stdout).toBe('')
    expect(exitCode).toBe(1)
  })

  it('leaves nothing behind when it cannot store the token', async () => {
    await mkdir(helperFile())
    const { exitCode, stderr } = await login('--store')
    expect(stderr).toContain('is no regular file')
    expect(await readdir(env.HOME as string)).toEqual(['.vault-token'])
    expect(exitCode).toBe(1)
  })

  it.each([
    ['refuses the JWT', WRONG_AUDIENCE, 'ERR_VAULT_JWT_REFUSED', 'audience claim does not match'],
    ['does not know the role', UNKNOWN_ROLE, 'ERR_VAULT_ROLE', 'invalid role name'],
  ])('fails at once when Vault %s', async (_what, reply, code, words) => {
    vault.loginReply = reply
    const { exitCode, stdout, stderr } = await login('--json')
    expect(JSON.parse(stderr).error).toMatchObject({ code, message: expect.stringContaining(words) })
    expect(stdout).toBe('')
    expect(exitCode).toBe(1)
    expect(vault.count('/login')).toBe(1)
  })

  it('fails at once without a token file', async () => {
    const { exitCode, stderr } = await runCli(argv('--token-path', `${jwtPath}-not-there`), { env })
    expect(stderr).toContain('ERR_TOKEN_NOT_FOUND')
    expect(exitCode).toBe(1)
  })

  it('does not send a token that was made for somebody else', async () => {
    const { exitCode, stderr } = await login('--audience', 'other')
    expect(stderr).toContain('ERR_TOKEN_AUDIENCE')
    expect(vault.requests).toEqual([])
    expect(exitCode).toBe(1)
  })

  it('tries until the timeout while Vault is sealed', async () => {
    vault.loginReply = SEALED
    const { exitCode, stderr } = await login('--timeout', '300ms')
    expect(stderr).toContain('ERR_VAULT_SEALED')
    expect(exitCode).toBe(1)
  })

  it('ends on Ctrl-C while it waits', async () => {
    vault.loginReply = SEALED
    const cli = startCli(argv(), { env })
    await expect.poll(() => vault.requests.length).toBe(1)
    cli.interrupt('SIGINT')
    expect(await cli.exitCode).toBe(130)
    expect(cli.stderr()).toBe('')
  })

  it('shows no token but the one that it was asked for, and no JWT', async () => {
    vault.grant = { metadata: { other: 'hvs.CAESIanotherTokenOfSomebody', role: jwt } }
    const { stdout } = await login()
    expect(stdout).toContain('token_meta_other     [a Vault token, not shown]')
    expect(stdout).toContain('token_meta_role      [a JWT, not shown]')
  })

  it('does not repeat a token in an error', async () => {
    vault.loginReply = { status: 400, body: { errors: [`what is ${jwt}, and hvs.CAESIsomethingSecret?`] } }
    const { stderr } = await login()
    expect(stderr).toContain('ERR_VAULT_LOGIN_REFUSED')
    expect(stderr).not.toContain('hvs.CAESI')
  })

  it('says that VAULT_SKIP_VERIFY is not obeyed', async () => {
    Object.assign(env, { VAULT_SKIP_VERIFY: 'true' })
    expect((await login('--field', 'token')).stderr).toMatch(/^warning: VAULT_SKIP_VERIFY is not obeyed\./)
  })

  it.each([
    ['without a role', ['--role', ''], 'It is empty'],
    ['with an address that is none', ['--address', 'vault'], 'is not an address'],
    ['with another format', ['--format', 'yaml'], 'table, json'],
    ['with another method', ['--method', 'userpass'], 'kubernetes, jwt'],
    [
      'with half of a client certificate',
      ['--client-cert', 'cert.pem'],
      '--client-cert and --client-key go together',
    ],
    ['with a mount that is none', ['--mount', '../sys'], 'path of an auth mount'],
  ])('is a usage error %s', async (_what, more, words) => {
    const { exitCode, stdout, stderr } = await login(...more)
    expect(stderr).toContain(words)
    expect(stderr).toContain('ERR_USAGE')
    expect(stdout).toBe('')
    expect(exitCode).toBe(2)
    expect(vault.requests).toEqual([])
  })

  it('wants a role', async () => {
    const { exitCode, stderr } = await runCli(['vault', 'login'], { env })
    expect(stderr).toContain('--role NAME')
    expect(exitCode).toBe(2)
  })

  it.each([
    ['a JWT as K=V', () => ['vault', 'login', `jwt=${jwt}`]],
    ['a JWT as the role', () => ['vault', 'login', '--role', jwt]],
    ['a Vault token as the role', () => ['vault', 'login', '-role=hvs.CAESIsomethingSecret']],
  ])('refuses %s, and does not repeat it', async (_what, words) => {
    const { exitCode, stderr } = await runCli(words(), { env })
    expect(stderr).toContain('It looks like a token itself.')
    expect(stderr).not.toContain('hvs.CAESI')
    expect(exitCode).toBe(2)
  })
})

describe('the words of the vault CLI', () => {
  it.each([
    [
      ['vault', 'login', '-format=json'],
      ['vault', 'login', '--format=json'],
    ],
    [
      ['vault', 'login', '-format', 'json'],
      ['vault', 'login', '--format', 'json'],
    ],
    [
      ['vault', 'login', '-tls-skip-verify=true'],
      ['vault', 'login', '--tls-skip-verify'],
    ],
    [
      ['vault', 'login', '-tls-skip-verify=false'],
      ['vault', 'login'],
    ],
    [
      ['vault', 'exec', '-keep-vault-token=true', '-revoke=false', '--', 'x'],
      ['vault', 'exec', '--keep-vault-token', '--', 'x'],
    ],
    [
      ['vault', 'login', '-path=a=b', '--ns', 'x'],
      ['vault', 'login', '--mount=a=b', '--namespace', 'x'],
    ],
    [
      ['vault', 'login', '-h', '-a', 'vault', '-'],
      ['vault', 'login', '-h', '-a', 'vault', '-'],
    ],
    [
      ['vault', 'exec', '-role=a', '--', 'x', '-path=y'],
      ['vault', 'exec', '--role=a', '--', 'x', '-path=y'],
    ],
    [
      ['inspect', '-jwks=x'],
      ['inspect', '-jwks=x'],
    ],
  ])('%j', (words, expected) => {
    expect(normaliseVaultArgv(words)).toEqual(expected)
  })
})

describe('the risk of an address without TLS', () => {
  const codes = (address: string) =>
    risksOf({ method: 'kubernetes', tokenPath: '/t' }, address, {}).map(({ code }) => code)

  it.each(['http://vault:8200', 'http://127.vault.example', 'http://localhost.example:8200'])(
    'is told of %s',
    (address) => expect(codes(address)).toEqual(['PLAINTEXT']),
  )

  it.each(['http://localhost', 'http://127.0.0.1:8200', 'http://[::1]:8200/vault', 'https://vault'])(
    'is none of %s',
    (address) => expect(codes(address)).toEqual([]),
  )
})
