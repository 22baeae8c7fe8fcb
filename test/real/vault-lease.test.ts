import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Kube, type KubeVolume, startKube } from './kube.js'
import { type Client, type ClientOptions, createClient, type Tally } from './vault/client.js'
import { countFrom, report } from './vault/tally.js'
import { startVault, type Vault, type VaultRole } from './vault.js'

/** The life of a Vault token, by a real server's rules, with JWTs that the kubelet's code rotates all the time. */

const CYCLES = Number(process.env.PROJECTED_TOKEN_CYCLES ?? 10)

let directory: string
let kube: Kube
let volume: KubeVolume
let vault: Vault

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vault-lease-'))
  kube = await startKube()
  vault = await startVault()
  // Under 10 s of life the kubelet's own jitter makes nearly every sync rotate.
  volume = await kube.createVolume({ directory: join(directory, 'token'), expirationSeconds: 9, syncMs: 100 })
  await vault.putSecret('app', { password: 'hunter2' })
  await vault.enableKubernetesAuth({ kubernetesHost: kube.url })
  await vault.enableJwtAuth({ jwksUrl: kube.jwksUrl })
})
afterAll(async () => {
  await vault?.close()
  await kube?.close()
  await rm(directory, { recursive: true, force: true })
})

/** A client that is healthy, by a role of its own. */
async function start(
  mount: string,
  name: string,
  role: VaultRole,
  options: ClientOptions = {},
): Promise<Client> {
  await vault.writeRole(mount, name, role)
  const client = createClient(vault, volume, { mount, role: name, ...options })
  onTestFinished(() => client.close())
  await client.provider.getToken()
  return client
}

describe('a lease', () => {
  it(`is renewed for ${CYCLES} cycles on both mounts at full load while the JWT rotates: 0 failed reads, one login each`, async () => {
    const counts = { kubernetes: await countFrom(vault, 'kubernetes'), jwt: await countFrom(vault, 'jwt') }
    const rotationsBefore = (await volume.info()).rotations
    const clients = {
      kubernetes: await start('kubernetes', 'renewed', { token_ttl: 3 }),
      jwt: await start('jwt', 'renewed', { token_ttl: 3 }),
    }
    const ends = Object.values(clients).map((client) => client.load(2))
    for (const client of Object.values(clients)) await client.until((one) => one.status().renewals >= CYCLES)
    const tallies = await Promise.all(ends.map((end) => end()))
    const renewed = Object.values(clients).map(({ provider }) => provider.status().renewals)
    const ended = Object.values(clients).map(
      ({ events }) => events.filter((name) => name === 'expired').length,
    )
    for (const client of Object.values(clients)) await client.close()
    for (const [index, mount] of (['kubernetes', 'jwt'] as const).entries()) {
      const { logins, renewals } = await counts[mount]()
      report(`renewed, ${mount}, of both renewals`, tallies[index] ?? {}, { logins, renewals })
      expect(Object.keys(tallies[index] ?? {})).toEqual(['200'])
      // A machine that stands still for a second ends a lease of three: that takes another login, and is no failure.
      const expected = 1 + (ended[index] ?? 0)
      expect(logins).toEqual({ total: expected, succeeded: expected, refused: 0 })
      expect(renewals.succeeded).toBe(renewed.reduce((sum, one) => sum + one))
    }
    expect((await volume.info()).rotations - rotationsBefore).toBeGreaterThanOrEqual(CYCLES / 2)
  })

  it.each([
    [3, 7],
    [1, 3],
  ])('of %i s that reaches its max TTL of %i s is replaced: 0 failed reads', async (ttl, max) => {
    const counts = await countFrom(vault, 'kubernetes')
    const client = await start('kubernetes', `max-${max}`, { token_ttl: ttl, token_max_ttl: max })
    const end = client.load(2, 5)
    await client.until((one) => one.status().logins >= 3)
    const tally = await end()
    await client.close()
    const { logins, renewals } = await counts()
    report(`max TTL of ${max} s`, tally, { logins, renewals })
    expect(Object.keys(tally)).toEqual(['200'])
    expect(logins).toMatchObject({ succeeded: logins.total, refused: 0 })
    // A server that counts in whole seconds refuses one in the last of them: that is followed by a login at once.
    expect(renewals.refused).toBeLessThanOrEqual(logins.total)
    expect(renewals.succeeded).toBeGreaterThanOrEqual(1)
    expect(client.provider.status().warnings).toEqual([])
  })

  it('of a batch token is replaced, and never renewed: 0 failed reads', async () => {
    const counts = await countFrom(vault, 'jwt')
    const client = await start('jwt', 'batch', { token_type: 'batch', token_ttl: 3 })
    const end = client.load(2, 5)
    await client.until((one) => one.status().logins >= 3)
    const tally = await end()
    expect(client.provider.status().token).toMatchObject({ type: 'batch', renewable: false })
    await client.close()
    const { logins, renewals } = await counts()
    report('batch tokens', tally, { logins, renewals })
    expect(Object.keys(tally)).toEqual(['200'])
    expect(logins).toMatchObject({ succeeded: logins.total, refused: 0 })
    expect(renewals.total).toBe(0)
  })

  it('of a limited number of uses is replaced when they are spent: 0 failed reads, one login for each token', async () => {
    const counts = await countFrom(vault, 'kubernetes')
    const client = await start('kubernetes', 'uses', { token_num_uses: 5, token_ttl: 60 })
    const reads = 50
    const seen: Tally = {}
    for (let read = 0; read < reads; read++) {
      const outcome = await client.read()
      seen[outcome] = (seen[outcome] ?? 0) + 1
    }
    await client.close()
    const { logins, renewals, lookups } = await counts()
    report('num_uses of 5', seen, { logins, renewals })
    expect(seen).toEqual({ 200: reads })
    expect(logins).toEqual({ total: reads / 5, succeeded: reads / 5, refused: 0 })
    expect([renewals.total, lookups.total]).toEqual([0, 0])
  })

  it('without the policy default cannot be renewed, and is replaced: 0 failed reads', async () => {
    const counts = await countFrom(vault, 'kubernetes')
    const client = await start('kubernetes', 'bare', { token_no_default_policy: true, token_ttl: 3 })
    const end = client.load(2, 5)
    await client.until((one) => one.status().logins >= 3)
    const tally = await end()
    await client.close()
    const { logins, renewals } = await counts()
    report('no default policy', tally, { logins, renewals })
    expect(Object.keys(tally)).toEqual(['200'])
    expect(logins).toMatchObject({ succeeded: logins.total, refused: 0 })
    // At most one for each lease that came to its time.
    expect(renewals.succeeded).toBe(0)
    expect(renewals.refused).toBeGreaterThanOrEqual(1)
    expect(renewals.refused).toBeLessThan(logins.total)
  })
})

describe('a 403', () => {
  it.each(['kubernetes', 'jwt'])(
    'of a token of a %s mount that was revoked behind our back: one login, no caller hears of it',
    async (mount) => {
      const counts = await countFrom(vault, mount)
      const client = await start(mount, 'revoked', { token_ttl: 60 })
      const end = client.load(8)
      for (let read = 0; read < 50; read++) expect(await client.read()).toBe('200')
      const { accessor } = client.provider.status().token ?? {}
      const revokedAtMs = performance.now()
      expect((await vault.request('POST', 'auth/token/revoke-accessor', { accessor })).status).toBe(204)
      await client.until((one) => one.status().logins === 2)
      const healthyAfterMs = await client.healthyAfter(revokedAtMs)
      const tally = await end()
      await client.close()
      const { logins, renewals, lookups } = await counts()
      report(`revoked, ${mount}`, tally, { logins, renewals }, healthyAfterMs)
      expect(Object.keys(tally)).toEqual(['200'])
      expect(logins).toEqual({ total: 2, succeeded: 2, refused: 0 })
      expect(lookups.total).toBe(0)
      expect(client.events.filter((name) => name === 'expired')).toHaveLength(1)
    },
  )

  it('of a policy is the caller’s: one lookup, no login, and other reads go on', async () => {
    const counts = await countFrom(vault, 'kubernetes')
    const client = await start('kubernetes', 'policy', { token_ttl: 60 })
    const end = client.load(2, 5)
    const refused = await Promise.all(Array.from({ length: 50 }, () => client.read('sys/auth')))
    const tally = await end()
    await client.close()
    const { logins, renewals, lookups } = await counts()
    report('a policy that refuses', { ...tally, 403: refused.length }, { logins, renewals })
    expect(new Set(refused)).toEqual(new Set(['403']))
    expect(Object.keys(tally)).toEqual(['200'])
    expect(logins.total).toBe(1)
    expect(lookups).toEqual({ total: 1, succeeded: 1, refused: 0 })
  })

  it('of a policy, with a token that may not even look itself up: one more login, not one for each', async () => {
    const counts = await countFrom(vault, 'kubernetes')
    const client = await start('kubernetes', 'blind', { token_no_default_policy: true, token_ttl: 60 })
    const refused: string[] = []
    for (let read = 0; read < 50; read++) refused.push(await client.read('sys/auth'))
    expect(await client.read()).toBe('200')
    await client.close()
    const { logins, renewals, lookups } = await counts()
    report('a policy that refuses lookups too', { 403: refused.length, 200: 1 }, { logins, renewals })
    expect(new Set(refused)).toEqual(new Set(['403']))
    expect(logins).toEqual({ total: 2, succeeded: 2, refused: 0 })
    expect(lookups.total).toBeLessThanOrEqual(2)
  })
})

describe('close()', () => {
  it('with revokeOnClose leaves no living token behind', async () => {
    const client = await start('kubernetes', 'closed', { token_ttl: 60 }, { revokeOnClose: true })
    const { accessor } = client.provider.status().token ?? {}
    expect((await vault.request('POST', 'auth/token/lookup-accessor', { accessor })).status).toBe(200)
    await client.close()
    expect((await vault.request('POST', 'auth/token/lookup-accessor', { accessor })).status).not.toBe(200)
    expect(await client.read()).toBe('ERR_VAULT_CLOSED')
  })
})
