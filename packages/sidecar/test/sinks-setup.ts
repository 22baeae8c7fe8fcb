import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, createTokenWatcher, systemClock } from '@projected-token/core'
import { startFakeKubelet } from '@projected-token/testing'
import { createVaultTokenProvider } from '@projected-token/vault'
import type { FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'
import { expect, onTestFinished } from 'vitest'
import { createSinks } from '../src/sinks/create-sinks.js'
import type { SinkSpec } from '../src/sinks/sink-spec.js'
import type { Source } from '../src/source.js'

/** Far beyond what an overloaded machine needs; nothing waits this long when it works. */
export const PATIENT = { timeout: 25_000, interval: 20 }

export async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'projected-token-sinks-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly [name: string]: unknown
}

function createLog() {
  const lines: LogLine[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
  return { log: log as unknown as FastifyBaseLogger, lines }
}

/** A kubelet's token in a watcher, and sinks of it that are started and, at the end, closed. */
export async function setUp(
  specs: Partial<SinkSpec>[],
  { isStarted = true, clock = systemClock }: { isStarted?: boolean; clock?: Clock } = {},
) {
  const directory = await makeDirectory()
  const kubelet = await startFakeKubelet({ algorithm: 'ES256', autoRotate: false, serve: false })
  const watcher = createTokenWatcher({ path: kubelet.path, audience: 'vault' })
  const source: Source = { kind: 'projected', name: 'app', provider: watcher }
  const run = createRun(directory, specs, source, clock)
  onTestFinished(async () => {
    await run.sinks.close()
    await watcher.close()
    await kubelet.close()
  })
  await watcher.getToken()
  if (isStarted) await run.sinks.start()
  return { ...run, kubelet, watcher, source }
}

/** Sinks of one source, whose specs may leave out what a test does not care for. */
export function createRun(
  directory: string,
  specs: Partial<SinkSpec>[],
  source: Source,
  clock = systemClock,
) {
  const { log, lines } = createLog()
  const results: boolean[] = []
  const full = specs.map((spec, index) => ({
    source,
    path: join(directory, index === 0 ? 'token' : `token-${index}`),
    mode: 0o600,
    format: 'token' as const,
    ...spec,
  }))
  const sinks = createSinks(full, [source], {
    clock,
    log,
    onResult: (_path, ok) => void results.push(ok),
  })
  const messages = () => lines.map(({ msg }) => msg)
  const toLog = async (text: string, count = 1) =>
    expect
      .poll(() => messages().filter((message) => message.includes(text)).length, PATIENT)
      .toBeGreaterThanOrEqual(count)
  return { directory, path: join(directory, 'token'), sinks, lines, results, messages, toLog }
}

/** A server that grants Vault tokens as Vault does, of the fields that a provider reads. */
export async function startVault(leaseSeconds: number) {
  const issued: string[] = []
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (request.url?.endsWith('/login')) issued.push(`hvs.CAESI-secret-of-the-sinks-${issued.length + 1}`)
      const auth = {
        client_token: issued.at(-1),
        accessor: `accessor-${issued.length}`,
        policies: ['default'],
        lease_duration: leaseSeconds,
        renewable: true,
        token_type: 'service',
        num_uses: 0,
      }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ auth }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const kubelet = await startFakeKubelet({ algorithm: 'ES256', autoRotate: false, serve: false })
  const watcher = createTokenWatcher({ path: kubelet.path })
  const provider = createVaultTokenProvider({ address, role: 'app', jwt: watcher, env: {} })
  onTestFinished(async () => {
    await provider.close()
    await watcher.close()
    await kubelet.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const source: Source = { kind: 'vault', name: 'secrets', provider }
  return { issued, address, provider, source }
}
