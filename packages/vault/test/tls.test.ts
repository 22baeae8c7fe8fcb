import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createVaultFetch, type VaultTokenProviderOptions } from '@projected-token/vault'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAuthority } from './certificates.js'
import { SECOND, scene } from './support.js'

const ca = createAuthority()
const server = ca.issue('vault.internal', { address: '127.0.0.1' })
const client = ca.issue('client.internal')
const stranger = createAuthority('Another CA')

const SECRET = '/v1/secret/data/app'

async function directory(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'vault-tls-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

/** Logs in and fetches once. */
async function use(options: Partial<VaultTokenProviderOptions>, tls: object = {}) {
  const all = await scene({ tls: { ...server, ...tls } })
  const provider = all.provide({ startupTimeoutMs: 0, ...options })
  const result = await provider.getToken().catch((error: unknown) => error)
  return { ...all, provider, result }
}

describe('TLS', () => {
  let warned = vi.spyOn(process, 'emitWarning')
  beforeEach(() => {
    warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => warned.mockRestore())
  })
  const warnings = () => warned.mock.calls.map(([, options]) => (options as { code?: string }).code)

  it('refuses a certificate of nobody it knows, and sends it no JWT', async () => {
    const { vault, provider, result } = await use({})
    expect(result).toMatchObject({ code: 'ERR_VAULT_TLS' })
    expect((result as Error).message).toContain('VAULT_CACERT')
    expect(vault.requests).toHaveLength(0)
    expect(provider.status().lastFailure?.class).toBe('tls')
  })

  it.each([
    ['text', ca.cert],
    ['bytes', Buffer.from(ca.cert)],
  ])('trusts the authority given as %s', async (_form, given) => {
    const { vault, provider, result } = await use({ ca: given })
    expect(result).toMatchObject({ token: vault.issued[0] })
    expect((await createVaultFetch(provider)(SECRET)).status).toBe(200)
  })

  it('trusts the authority of VAULT_CACERT_BYTES, VAULT_CACERT and VAULT_CAPATH', async () => {
    const folder = await directory()
    await writeFile(path.join(folder, 'ca.pem'), ca.cert)
    await writeFile(path.join(folder, 'README'), 'no certificate')
    for (const env of [
      { VAULT_CACERT_BYTES: ca.cert },
      { VAULT_CACERT: path.join(folder, 'ca.pem') },
      { BAO_CACERT: path.join(folder, 'ca.pem') },
      { VAULT_CAPATH: folder },
    ]) {
      const { vault, result } = await use({ env })
      expect(result).toMatchObject({ token: vault.issued[0] })
    }
  })

  it('refuses a name that the certificate does not have, and takes the one in serverName', async () => {
    const { result } = await use({ ca: ca.cert, serverName: 'other.internal' })
    expect(result).toMatchObject({ code: 'ERR_VAULT_TLS' })
    const named = await use({ ca: ca.cert, env: { VAULT_TLS_SERVER_NAME: 'vault.internal' } })
    expect(named.result).toMatchObject({ token: named.vault.issued[0] })
  })

  it('shows its client certificate', async () => {
    const mutual = { ca: ca.cert, requestCert: true, rejectUnauthorized: true }
    const without = await use({ ca: ca.cert }, mutual)
    expect(without.result).toBeInstanceOf(Error)
    const folder = await directory()
    await writeFile(path.join(folder, 'tls.crt'), client.cert)
    await writeFile(path.join(folder, 'tls.key'), client.key)
    const env = {
      VAULT_CACERT_BYTES: ca.cert,
      VAULT_CLIENT_CERT: path.join(folder, 'tls.crt'),
      VAULT_CLIENT_KEY: path.join(folder, 'tls.key'),
    }
    const withFiles = await use({ env }, mutual)
    expect(withFiles.result).toMatchObject({ token: withFiles.vault.issued[0] })
    const withBytes = await use({ ca: ca.cert, clientCert: client.cert, clientKey: client.key }, mutual)
    expect(withBytes.result).toMatchObject({ token: withBytes.vault.issued[0] })
  })

  it('reads the files again after a refused certificate: the authority was replaced', async () => {
    const folder = await directory()
    const caFile = path.join(folder, 'ca.pem')
    await writeFile(caFile, stranger.cert)
    const { vault, clock, provider, result } = await use({ caFile })
    expect(result).toMatchObject({ code: 'ERR_VAULT_TLS' })
    await writeFile(caFile, ca.cert)
    await clock.advance(SECOND)
    await expect.poll(() => provider.status().state).toBe('valid')
    expect(vault.count('/login')).toBe(1)
  })

  it('names the file that cannot be read', async () => {
    const { result } = await use({ caFile: '/nowhere/ca.pem' })
    expect(result).toMatchObject({ code: 'ERR_VAULT_TLS', cause: { code: 'ENOENT' } })
    expect((result as Error).message).toContain('/nowhere/ca.pem')
  })

  it('trusts nobody, and not the system in their place, when the directory of authorities holds none', async () => {
    const caDirectory = await directory()
    await writeFile(path.join(caDirectory, 'README'), 'no certificate')
    const { vault, result } = await use({ caDirectory })
    expect(result).toMatchObject({ code: 'ERR_VAULT_TLS' })
    expect((result as Error).message).toContain(`'${caDirectory}' holds no certificate`)
    expect(vault.requests).toHaveLength(0)
  })

  it('waits for no writer of a file that is a FIFO', async () => {
    const caFile = path.join(await directory(), 'fifo')
    execFileSync('mkfifo', [caFile])
    const { result } = await use({ caFile })
    expect(result).toMatchObject({ code: 'ERR_VAULT_TLS' })
    expect((result as Error).message).toContain(caFile)
  })

  it('is not verified only by the option skipVerify, with a warning', async () => {
    const { vault, result } = await use({ skipVerify: true })
    expect(result).toMatchObject({ token: vault.issued[0] })
    expect(warnings()).toEqual(['PROJECTED_TOKEN_VAULT_SKIP_VERIFY'])
  })

  it('is verified in spite of VAULT_SKIP_VERIFY alone, with a warning that says so', async () => {
    const { vault, result } = await use({ env: { VAULT_SKIP_VERIFY: 'true' } })
    expect(result).toMatchObject({ code: 'ERR_VAULT_TLS' })
    expect(vault.requests).toHaveLength(0)
    expect(warnings()).toEqual(['PROJECTED_TOKEN_VAULT_SKIP_VERIFY_IGNORED'])
  })

  it('shares no login with a provider that trusts somebody else', async () => {
    const { vault, provide } = await scene({ tls: server })
    const careless = provide({ skipVerify: true })
    const careful = provide({ startupTimeoutMs: 0 })
    const [one, other] = await Promise.allSettled([careless.getToken(), careful.getToken()])
    expect(one.status).toBe('fulfilled')
    expect(other).toMatchObject({ reason: { code: 'ERR_VAULT_TLS' } })
    expect(vault.count('/login')).toBe(1)
  })

  it('is never left by a redirect, not even to a configured address', async () => {
    const plain = await scene()
    const { vault, provider } = await use({ ca: ca.cert, clusterAddresses: [plain.vault.url] })
    vault.script(SECRET, { status: 307, headers: { location: `${plain.vault.url}${SECRET}` } })
    const error = (await createVaultFetch(provider)(SECRET).catch((reason: unknown) => reason)) as Error
    expect(error.cause).toMatchObject({ code: 'ERR_VAULT_REDIRECT' })
    expect(plain.vault.requests).toHaveLength(0)
  })

  it('is missed, with a warning, at an address that is neither https nor loopback', async () => {
    const { provide } = await scene()
    provide({ address: 'http://vault.internal:8200', startupTimeoutMs: 0 })
    expect(warnings()).toEqual(['PROJECTED_TOKEN_VAULT_PLAINTEXT'])
  })
})

describe('a unix:// address', () => {
  it('is logged in to, and fetched from by paths', async () => {
    const socketPath = path.join(await directory(), 'agent.sock')
    const { vault, provide } = await scene({ socketPath })
    const provider = provide({ address: undefined, env: { VAULT_ADDR: `unix://${socketPath}` } })
    const { token } = await provider.getToken()
    expect(provider.status().address).toBe(`unix://${socketPath}`)
    const response = await createVaultFetch(provider)(SECRET)
    expect(await response.json()).toEqual({ data: { path: SECRET } })
    expect(vault.last(SECRET).headers).toMatchObject({ 'x-vault-token': token, host: 'localhost' })
  })

  it('that nobody listens at is Vault being away', async () => {
    const { provide } = await scene()
    const provider = provide({ address: 'unix:///nowhere/agent.sock', startupTimeoutMs: 0 })
    await expect(provider.getToken()).rejects.toMatchObject({ code: 'ERR_VAULT_UNAVAILABLE' })
  })
})
