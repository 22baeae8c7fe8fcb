import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest'
import { type Kube, type KubeVolume, startKube } from './kube.js'
import { buildVault, startVault, type Vault } from './vault.js'

/** That the real server does as the tests of others will need it. What it answers is in vault/answers.test.ts. */

const pollTimeoutMs = 15_000
let directory: string
let kube: Kube
let volume: KubeVolume
let vault: Vault

const readJwt = () => readFile(volume.path, 'utf8')
const tokenOf = async (mount: string, role = 'app') => {
  const { status, body } = await vault.login(mount, role, await readJwt())
  expect(status, JSON.stringify(body)).toBe(200)
  return body.auth.client_token as string
}
const withToken = (token: string, method: string, path: string) =>
  vault.request(method, path, undefined, { 'x-vault-token': token })
const readWith = (token: string) => withToken(token, 'GET', 'secret/data/app')

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vault-support-'))
  await buildVault()
  kube = await startKube()
  // A volume is synced by the tests alone: under 10 s of life the kubelet rotates at nearly every sync.
  volume = await kube.createVolume({ directory: join(directory, 'token'), expirationSeconds: 9, syncMs: 0 })
  vault = await startVault()
  await setUp()
})
afterAll(async () => {
  await vault?.close()
  await kube?.close()
  await rm(directory, { recursive: true, force: true })
})
beforeEach(async () => {
  // A token of 9 s is fresh for each test.
  await expect.poll(async () => (await volume.sync()).rotated, { timeout: pollTimeoutMs }).toBe(true)
})

async function setUp() {
  await vault.putSecret('app', { password: 'hunter2' })
  await vault.enableKubernetesAuth({ kubernetesHost: kube.url, roles: { app: { token_ttl: '1m' } } })
  await vault.enableJwtAuth({ jwksUrl: kube.jwksUrl, roles: { app: { token_ttl: '1m' } } })
}

describe('logins', () => {
  it('are given for a token written by the kubelet’s code and judged by a TokenReview, and again after rotation', async () => {
    const before = await kube.stats()
    const first = await readJwt()
    await tokenOf('kubernetes')
    await expect.poll(async () => (await volume.sync()).rotated, { timeout: pollTimeoutMs }).toBe(true)
    expect(await readJwt()).not.toBe(first)
    const { data } = (await readWith(await tokenOf('kubernetes'))).body
    const after = await kube.stats()
    expect(after.tokenReviews.authenticated - before.tokenReviews.authenticated).toBe(2)
    expect(data.data).toEqual({ password: 'hunter2' })
  })

  it('are given at a jwt mount for a token whose key is in the JWKS, without a TokenReview', async () => {
    const before = await kube.stats()
    expect((await readWith(await tokenOf('jwt'))).status).toBe(200)
    expect((await kube.stats()).tokenReviews.total).toBe(before.tokenReviews.total)
  })

  it.each(['kubernetes', 'jwt'])('are refused at a %s mount for another audience', async (mount) => {
    await vault.writeRole(
      mount,
      'other',
      mount === 'jwt' ? { bound_audiences: ['other'] } : { audience: 'other' },
    )
    const { status } = await vault.login(mount, 'other', await readJwt())
    expect(status).toBe(mount === 'jwt' ? 400 : 403)
  })

  it('are counted as Vault saw them, with which JWT they came', async () => {
    const jwt = await readJwt()
    const [before, beforeRenewals] = [
      await vault.loginCount('kubernetes'),
      await vault.requestCount('auth/token/renew-self'),
    ]
    const logins = (await vault.audit()).length
    const token = await tokenOf('kubernetes')
    await tokenOf('kubernetes')
    await vault.login('kubernetes', 'nobody', jwt)
    await vault.login('kubernetes', 'app', `${jwt}x`)
    await vault.login('jwt', 'app', jwt)
    await withToken(token, 'POST', 'auth/token/renew-self')
    await withToken('hvs.unknown', 'POST', 'auth/token/renew-self')
    const after = await vault.loginCount('kubernetes')
    const renewals = await vault.requestCount('auth/token/renew-self')
    expect(after.succeeded - before.succeeded).toBe(2)
    expect(after.refused - before.refused).toBe(2)
    expect(after.total - before.total).toBe(4)
    expect(renewals.succeeded - beforeRenewals.succeeded).toBe(1)
    expect(renewals.refused - beforeRenewals.refused).toBe(1)
    const sent = (await vault.audit()).slice(logins).flatMap((entry) => entry.jwt ?? [])
    expect(sent).toHaveLength(5)
    expect(new Set(sent).size).toBe(2)
  })
})

describe('tokens', () => {
  it('of type batch cannot be renewed', async () => {
    await vault.writeRole('kubernetes', 'batch', { token_type: 'batch', token_ttl: '1m' })
    const token = await tokenOf('kubernetes', 'batch')
    expect((await readWith(token)).status).toBe(200)
    expect((await withToken(token, 'POST', 'auth/token/renew-self')).status).toBe(400)
  })

  it('with a number of uses end with the last one', async () => {
    await vault.writeRole('jwt', 'twice', { token_num_uses: 2 })
    const token = await tokenOf('jwt', 'twice')
    const statuses = [await readWith(token), await readWith(token), await readWith(token)].map(
      ({ status }) => status,
    )
    expect(statuses).toEqual([200, 200, 403])
  })

  it('end with their lease', async () => {
    await vault.writeRole('jwt', 'short', { token_ttl: '1s' })
    const token = await tokenOf('jwt', 'short')
    await expect.poll(async () => (await readWith(token)).status, { timeout: pollTimeoutMs }).toBe(403)
  })
})

describe('a fault', () => {
  it('of sealing lasts until it is unsealed, and the tokens outlive it', async () => {
    const token = await tokenOf('kubernetes')
    await vault.seal()
    expect((await readWith(token)).status).toBe(503)
    await vault.unseal()
    expect((await readWith(token)).status).toBe(200)
  })

  it('of a stopped process takes connections and answers none until it continues', async () => {
    const token = await tokenOf('kubernetes')
    await vault.stop()
    let answered = false
    const answer = readWith(token).finally(() => {
      answered = true
    })
    const connection = connect(Number(new URL(vault.address).port), '127.0.0.1')
    await once(connection, 'connect')
    connection.destroy()
    expect(await readFile(`/proc/${vault.pid}/stat`, 'utf8')).toMatch(/\) T /)
    expect(answered).toBe(false)
    vault.cont()
    expect((await answer).status).toBe(200)
  })

  it('of a killed process refuses connections, leaves no plugin behind, and a restart on the port begins anew', async () => {
    const { address, pid } = vault
    const token = await tokenOf('kubernetes')
    const before = await vault.loginCount('kubernetes')
    await vault.kill()
    await expect(readWith(token)).rejects.toThrow('vault does not run')
    await expectNoGroup(pid)
    await vault.restart({ keepStorage: false })
    expect(vault.address).toBe(address)
    expect(vault.pid).not.toBe(pid)
    expect((await readWith(token)).status).toBe(403)
    await setUp()
    expect((await readWith(await tokenOf('kubernetes'))).status).toBe(200)
    expect((await vault.loginCount('kubernetes')).total).toBe(before.total + 1)
  })

  it('of a process killed with its storage kept leaves mounts, roles, secrets and tokens', async () => {
    const inMemory = vault
    vault = await startVault({ storage: 'raft', tls: true })
    try {
      await setUp()
      const token = await tokenOf('kubernetes')
      await vault.kill()
      await vault.restart({ keepStorage: true, sealed: true })
      expect((await readWith(token)).status).toBe(503)
      await vault.unseal()
      expect((await readWith(token)).status).toBe(200)
      await tokenOf('jwt')
      await tokenOf('kubernetes')
      expect(await vault.loginCount('kubernetes')).toEqual({ total: 2, succeeded: 2, refused: 0 })
      expect(vault.address).toMatch(/^https:/)
      await vault.restart({ keepStorage: false })
      expect((await readWith(token)).status).toBe(403)
    } finally {
      await vault.close()
      vault = inMemory
    }
  })

  it('of storage to be kept is not possible in memory', async () => {
    await expect(vault.restart({ keepStorage: true })).rejects.toThrow(TypeError)
  })
})

describe('a server', () => {
  it('ends with its parent, even while stopped, and takes its files along', async () => {
    const script = join(directory, 'parent.mjs')
    const home = await mkdtemp(join(directory, 'home-'))
    const configPath = join(home, 'config.json')
    await writeFile(
      configPath,
      '{"storage":{"inmem":{}},"listener":{"tcp":{"address":"127.0.0.1:0","tls_disable":1}}}',
    )
    const options = { binary: vault.binary, configPath, directory: home, readyTimeoutMs: 60_000 }
    await build({
      stdin: {
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
        contents: `
          import { createVaultProcess } from './vault/vault-process.js'
          const vault = createVaultProcess(${JSON.stringify(options)})
          await vault.start()
          await vault.stop()
          console.log(vault.pid)`,
      },
      ...{ bundle: true, platform: 'node', format: 'esm', outfile: script, logLevel: 'error' },
    })
    const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(createInterface({ input: parent.stdout }), 'line')
    const pid = Number(line)
    onTestFailed(() => void process.kill(-pid, 'SIGKILL'))
    process.kill(pid, 0)
    parent.kill('SIGKILL')
    await expectNoGroup(pid)
    await expect
      .poll(
        () =>
          access(home).then(
            () => 'there',
            () => 'gone',
          ),
        { timeout: pollTimeoutMs },
      )
      .toBe('gone')
  })
})

async function expectNoGroup(pid: number) {
  const signal = () => {
    try {
      process.kill(-pid, 0)
      return 'there'
    } catch {
      return 'gone'
    }
  }
  await expect.poll(signal, { timeout: pollTimeoutMs }).toBe('gone')
}
