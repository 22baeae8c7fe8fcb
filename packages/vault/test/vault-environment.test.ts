import { readVaultEnvironment, withoutVaultToken } from '@projected-token/vault'
import { describe, expect, it } from 'vitest'
import { scene } from './support.js'

describe('the environment', () => {
  it('is read by the names of Vault’s own client', () => {
    expect(
      readVaultEnvironment({
        VAULT_ADDR: 'https://vault:8200',
        VAULT_NAMESPACE: 'team',
        VAULT_CACERT: '/ca.pem',
        VAULT_CLIENT_CERT: '/tls.crt',
        VAULT_CLIENT_KEY: '/tls.key',
        VAULT_TLS_SERVER_NAME: 'vault.internal',
        VAULT_CLIENT_TIMEOUT: '30',
        VAULT_SKIP_VERIFY: '1',
      }),
    ).toEqual({
      address: 'https://vault:8200',
      namespace: 'team',
      ca: undefined,
      caFile: '/ca.pem',
      caDirectory: undefined,
      clientCertFile: '/tls.crt',
      clientKeyFile: '/tls.key',
      serverName: 'vault.internal',
      requestTimeoutMs: 30_000,
      wantsSkipVerify: true,
    })
  })

  it('prefers OpenBao’s names, and takes empty ones as unset', () => {
    const env = {
      BAO_ADDR: 'https://bao:8200',
      VAULT_ADDR: 'https://vault:8200',
      BAO_NAMESPACE: '',
      VAULT_NAMESPACE: 'n',
    }
    expect(readVaultEnvironment(env)).toMatchObject({ address: 'https://bao:8200', namespace: 'n' })
  })

  it('prefers the agent’s address, as Vault’s client does', () => {
    const env = { VAULT_ADDR: 'https://vault:8200', VAULT_AGENT_ADDR: 'http://127.0.0.1:8100' }
    expect(readVaultEnvironment(env).address).toBe('http://127.0.0.1:8100')
  })

  it('prefers a file of authorities to their bytes, and these to a directory, as Vault’s client does', () => {
    const env = { VAULT_CACERT: '/ca.pem', VAULT_CACERT_BYTES: 'pem', VAULT_CAPATH: '/certs' }
    expect(readVaultEnvironment(env)).toMatchObject({
      ca: undefined,
      caFile: '/ca.pem',
      caDirectory: undefined,
    })
    expect(readVaultEnvironment({ ...env, VAULT_CACERT: '' })).toMatchObject({
      ca: 'pem',
      caDirectory: undefined,
    })
  })

  it.each([
    ['90', 90_000],
    ['1m30s', 90_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['soon', undefined],
    ['0', undefined],
  ])('has %s as a time limit of %s ms', (text, ms) => {
    expect(readVaultEnvironment({ VAULT_CLIENT_TIMEOUT: text }).requestTimeoutMs).toBe(ms)
  })

  it('rule 12: never gives an inherited token to anybody', async () => {
    const env = { VAULT_TOKEN: 'hvs.inherited', BAO_TOKEN: 'hvs.inherited-too', PATH: '/bin' }
    expect(JSON.stringify(readVaultEnvironment(env))).not.toContain('inherited')
    expect(withoutVaultToken(env)).toEqual({ PATH: '/bin' })
    const { vault, provide } = await scene()
    await provide({ env }).getToken()
    expect(JSON.stringify(vault.requests)).not.toContain('inherited')
  })

  it('loses to options', async () => {
    const { vault, provide } = await scene()
    const provider = provide({
      env: { VAULT_ADDR: 'https://nowhere', VAULT_NAMESPACE: 'other' },
      namespace: 'own',
    })
    await provider.getToken()
    expect(vault.last('/login').headers['x-vault-namespace']).toBe('own')
  })
})
