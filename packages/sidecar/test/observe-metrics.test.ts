import { readFile } from 'node:fs/promises'
import { createToken, createTokenWatcher, systemClock } from '@projected-token/core'
import { createFakeClock, type FakeClock, startFakeKubelet } from '@projected-token/testing'
import { createVaultTokenProvider } from '@projected-token/vault'
import { register } from 'prom-client'
import { afterEach, describe, expect, test } from 'vitest'
import { createObserver } from '../src/observe/create-observer.js'
import type { Source } from '../src/source.js'
import { ask } from './support/observe-http.js'
import { type ObserveScene, observe, SILENT } from './support/observe-scene.js'
import { startVaultStandIn } from './support/observe-vault.js'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A watcher on a real file, by a clock that a test moves; it reads when it is told to. */
async function watched(name = 'vault-token', expirationSeconds = 3_600) {
  const clock = createFakeClock()
  const node = await startFakeKubelet({
    algorithm: 'ES256',
    serve: false,
    autoRotate: false,
    clock,
    expirationSeconds,
  })
  const provider = createTokenWatcher({ path: node.path, clock, watch: false })
  cleanups.push(
    () => node.close(),
    () => provider.close(),
  )
  await provider.getToken()
  return { clock, node, provider, source: { kind: 'projected', name, provider } satisfies Source }
}

async function scene(sources: readonly Source[], clock: FakeClock): Promise<ObserveScene> {
  const started = await observe(sources, { clock })
  cleanups.push(() => started.close())
  return started
}

async function scrape({ healthUrl }: ObserveScene): Promise<string> {
  return (await ask(healthUrl, { path: '/metrics' })).body
}

/** The value of one series; `undefined` where there is none. */
function sample(text: string, series: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

const OF_TOKEN = '{name="vault-token",kind="projected"}'

describe('/metrics', () => {
  test('counts the failure of a token that was never there, though it came before the metrics', async () => {
    const provider = createTokenWatcher({ path: '/nowhere/token' })
    const failed = new Promise((resolve) => provider.once('failed', resolve))
    const observer = createObserver([{ kind: 'projected', name: 'gone', provider }], {
      clock: systemClock,
      version: '1.2.3',
    })
    await failed
    const health = await observer.createHealthServer(SILENT)
    cleanups.push(
      () => provider.close(),
      () => health.close(),
    )
    const { body } = await health.inject('/metrics')
    const of = '{name="gone",kind="projected",code="ERR_TOKEN_NOT_FOUND"}'
    expect(sample(body, `projected_token_failure_episodes_total${of}`)).toBe(1)
    expect(sample(body, `projected_token_failures_total${of}`)).toBeGreaterThanOrEqual(1)
    observer.close()
  })

  test("follows a token's life as it is scraped", async () => {
    const { clock, source } = await watched()
    const started = await scene([source], clock)
    const bornAt = clock.now() / 1_000
    await clock.advance(600_000)
    const early = await scrape(started)
    expect(sample(early, `projected_token_valid${OF_TOKEN}`)).toBe(1)
    expect(sample(early, `projected_token_age_seconds${OF_TOKEN}`)).toBe(600)
    expect(sample(early, `projected_token_remaining_seconds${OF_TOKEN}`)).toBe(3_000)
    expect(sample(early, `projected_token_expiry_timestamp_seconds${OF_TOKEN}`)).toBe(bornAt + 3_600)
    expect(sample(early, `projected_token_rotation_due_timestamp_seconds${OF_TOKEN}`)).toBe(bornAt + 2_880)
    expect(sample(early, `projected_token_past_due_seconds${OF_TOKEN}`)).toBe(0)
    expect(sample(early, `projected_token_overdue${OF_TOKEN}`)).toBe(0)

    await clock.advance(2_400_000)
    const late = await scrape(started)
    expect(sample(late, `projected_token_past_due_seconds${OF_TOKEN}`)).toBe(120)
    expect(sample(late, `projected_token_overdue${OF_TOKEN}`)).toBe(1)

    await clock.advance(601_000)
    const dead = await scrape(started)
    expect(sample(dead, `projected_token_valid${OF_TOKEN}`)).toBe(0)
    expect(sample(dead, `projected_token_remaining_seconds${OF_TOKEN}`)).toBe(-1)
    expect(sample(dead, 'projected_token_state{name="vault-token",kind="projected",state="expired"}')).toBe(1)
    expect(sample(dead, 'projected_token_state{name="vault-token",kind="projected",state="valid"}')).toBe(0)
  })

  test('counts rotations and reads, and measures how long a new token took to be found', async () => {
    const { clock, node, provider, source } = await watched()
    const started = await scene([source], clock)
    for (let rotation = 0; rotation < 2; rotation++) {
      await node.rotate()
      await provider.reload()
    }
    const text = await scrape(started)
    expect(sample(text, `projected_token_rotations_total${OF_TOKEN}`)).toBe(2)
    expect(sample(text, `projected_token_reads_total${OF_TOKEN}`)).toBe(provider.status().reads)
    expect(sample(text, `projected_token_detection_latency_seconds_count${OF_TOKEN}`)).toBe(2)
    expect(
      sample(
        text,
        'projected_token_detection_latency_seconds_bucket{le="1",name="vault-token",kind="projected"}',
      ),
    ).toBe(2)
  })

  test('counts episodes of failures by code, and how many failed in a row', async () => {
    const { clock, node, provider, source } = await watched()
    const started = await scene([source], clock)
    await node.writeRaw('')
    await provider.reload()
    await provider.reload()
    const broken = await scrape(started)
    const episodes =
      'projected_token_failure_episodes_total{name="vault-token",kind="projected",code="ERR_TOKEN_EMPTY"}'
    expect(sample(broken, episodes)).toBe(1)
    expect(sample(broken, `projected_token_failures_in_a_row${OF_TOKEN}`)).toBe(2)
    await node.rotate()
    await provider.reload()
    const mended = await scrape(started)
    expect(sample(mended, episodes)).toBe(1)
    expect(sample(mended, `projected_token_failures_in_a_row${OF_TOKEN}`)).toBe(0)
  })

  test('counts each failure by its class, also those that follow another one in the same episode', async () => {
    const { clock, node, provider, source } = await watched()
    const started = await scene([source], clock)
    const failures = async (code: string) =>
      sample(
        await scrape(started),
        `projected_token_failures_total{name="vault-token",kind="projected",code="${code}"}`,
      )
    expect(await failures('ERR_TOKEN_EMPTY')).toBeUndefined()
    await node.writeRaw('')
    await provider.reload()
    await provider.reload()
    await node.writeRaw('two lines\nof text')
    await provider.reload()
    expect([await failures('ERR_TOKEN_EMPTY'), await failures('ERR_TOKEN_MALFORMED')]).toEqual([2, 1])
    await node.rotate()
    await provider.reload()
    expect([await failures('ERR_TOKEN_EMPTY'), await failures('ERR_TOKEN_MALFORMED')]).toEqual([2, 1])
  })

  test('tells what the watch does', async () => {
    const { clock, source } = await watched()
    const text = await scrape(await scene([source], clock))
    const watch = (state: string) =>
      `projected_token_watch_state{name="vault-token",kind="projected",state="${state}"}`
    expect(['watching', 'polling', 'degraded'].map((state) => sample(text, watch(state)))).toEqual([0, 1, 0])
  })

  test('counts logins and renewals of a Vault token, whose Vault is a stand-in', async () => {
    const vault = await startVaultStandIn()
    const clock = createFakeClock()
    const jwt = createToken({ token: 'a.b.c', loadedAtMs: 0 })
    const provider = createVaultTokenProvider({
      address: vault.url,
      role: 'app',
      jwt: { getToken: async () => jwt, invalidate() {} },
      env: {},
      clock,
      random: () => 0.5,
    })
    cleanups.push(
      () => vault.close(),
      () => provider.close(),
    )
    const started = await scene([{ kind: 'vault', name: 'app', provider }], clock)
    await provider.getToken()
    await clock.advance(500_000)
    await expect.poll(() => provider.status().renewals).toBeGreaterThan(0)
    const text = await scrape(started)
    const of = '{name="app",kind="vault"}'
    expect(sample(text, `projected_token_valid${of}`)).toBe(1)
    expect(sample(text, `projected_token_vault_logins_total${of}`)).toBe(1)
    expect(sample(text, `projected_token_vault_renewals_total${of}`)).toBe(provider.status().renewals)
    expect(sample(text, `projected_token_vault_lease_seconds${of}`)).toBe(600)
    expect(sample(text, `projected_token_overdue${of}`)).toBeUndefined()
  })

  test('counts what proxies and sinks report', async () => {
    const clock = createFakeClock()
    const started = await scene([], clock)
    const { observer } = started
    const request = (status: number, retried = false) =>
      observer.proxyRequest('127.0.0.1:8081', { status, retried, durationMs: 20 })
    request(200)
    request(200, true)
    request(401)
    request(999)
    observer.sinkWritten('/run/out/token', true)
    observer.sinkWritten('/run/out/token', false)
    const text = await scrape(started)
    const answered = (status: string) =>
      sample(text, `projected_token_proxy_requests_total{proxy="127.0.0.1:8081",status="${status}"}`)
    expect(['200', '401', 'other', '999'].map(answered)).toEqual([2, 1, 1, undefined])
    expect(sample(text, 'projected_token_proxy_retries_total{proxy="127.0.0.1:8081"}')).toBe(1)
    expect(sample(text, 'projected_token_proxy_request_duration_seconds_count{proxy="127.0.0.1:8081"}')).toBe(
      4,
    )
    const writes = (result: string) =>
      sample(text, `projected_token_sink_writes_total{path="/run/out/token",result="${result}"}`)
    expect([writes('success'), writes('failure')]).toEqual([1, 1])
    expect(sample(text, 'projected_token_sink_last_write_timestamp_seconds{path="/run/out/token"}')).toBe(
      clock.now() / 1_000,
    )
  })

  test("follows Prometheus' conventions, each metric with its HELP, beside Node's own", async () => {
    const { clock, source } = await watched()
    const answer = await ask((await scene([source], clock)).healthUrl, { path: '/metrics' })
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    const types = [...answer.body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({
      name,
      type,
    }))
    const helped = new Set([...answer.body.matchAll(/^# HELP (\S+) \S/gm)].map(([, name]) => name))
    const own = types.filter(({ name }) => name?.startsWith('projected_token_'))
    expect(own.length).toBeGreaterThan(20)
    for (const { name, type } of own) {
      expect(helped).toContain(name)
      expect(name).toMatch(/^[a-z]+(_[a-z0-9]+)*$/)
      expect({ name, isTotal: name?.endsWith('_total') }).toEqual({ name, isTotal: type === 'counter' })
    }
    expect(answer.body).toContain('process_resident_memory_bytes')
    expect(answer.body).toContain('nodejs_heap_size_used_bytes')
  })

  test('are those that the README lists, in its words', async () => {
    const { clock, node, provider, source } = await watched()
    const started = await scene([source], clock)
    await node.writeRaw('')
    await provider.reload()
    await node.rotate()
    await provider.reload()
    started.observer.proxyRequest('127.0.0.1:8081', { status: 200, retried: true, durationMs: 20 })
    started.observer.sinkWritten('/run/out/token', true)
    const text = await scrape(started)
    const described = [...text.matchAll(/^# HELP (projected_token_\S+) (.+)\n# TYPE \S+ (\S+)$/gm)]
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
    const rows = [...readme.matchAll(/^\| `(projected_token_\w+)` +\| (\w+) +\| (.+?) +\| (.+?) +\|$/gm)]
    expect(rows.map(([, name, type, , meaning]) => [name, type, meaning])).toEqual(
      described.map(([, name, help, type]) => [name, type, help]),
    )
    for (const [, name, , documented = ''] of rows) {
      const series = new RegExp(`^${name}(?:_count)?(?:\\{(.+)\\})? `, 'm').exec(text)
      // One that only a Vault token has.
      if (!series) continue
      const labels = [...(series[1] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => `\`${label}\``)
      expect([name, labels.join(', ') || 'none']).toEqual([name, documented])
    }
  })

  test('keeps to a registry of its own: two observers in one process do not mix', async () => {
    const { clock, source } = await watched()
    const one = await scene([source], clock)
    const other = await scene([], clock)
    expect(await scrape(one)).toContain('vault-token')
    expect(await scrape(other)).not.toContain('vault-token')
    expect(register.getMetricsAsArray()).toEqual([])
  })

  test('puts nothing of a token into a label: not even its claims', async () => {
    const { clock, node, provider, source } = await watched()
    const started = await scene([source], clock)
    const claims = { sub: 'CANARY-subject', iss: 'CANARY-issuer', aud: ['CANARY-audience'] }
    await node.rotate({ claims })
    await provider.reload()
    const text = await scrape(started)
    expect(provider.status().token?.subject).toBe('CANARY-subject')
    expect(text).not.toMatch(/CANARY/)
    expect(text).not.toContain(node.path)
  })
})
