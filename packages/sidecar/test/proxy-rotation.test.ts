import { createTokenWatcher } from '@projected-token/core'
import { startFakeKubelet } from '@projected-token/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { eventually, startProxy, startUpstream } from './support/proxy-harness.js'

vi.setConfig({ testTimeout: 120_000 })

const ROTATIONS = 20
const CALLERS = 4

const tokenOf = (authorization: string | undefined) => authorization?.replace(/^Bearer /, '') ?? ''

async function startRotation(options: { watch: boolean }) {
  const kubelet = await startFakeKubelet({ audience: 'api' })
  onTestFinished(() => kubelet.close())
  const watcher = createTokenWatcher({ path: kubelet.path, audience: 'api', ...options })
  onTestFinished(() => watcher.close())
  return { kubelet, watcher }
}

/** Sends requests without a pause while something happens; the statuses and how many there were. */
async function whileUnderLoad(origin: string, body: () => Promise<void>) {
  const statuses = new Map<number, number>()
  let stop = false
  const callers = Array.from({ length: CALLERS }, async (_, caller) => {
    while (!stop) {
      const init = caller % 2 === 0 ? {} : { method: 'POST', body: 'a small body' }
      const response = await fetch(origin, init)
      await response.arrayBuffer()
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
    }
  })
  try {
    await body()
  } finally {
    stop = true
    await Promise.all(callers)
  }
  return statuses
}

describe('while tokens rotate under load', () => {
  it('the upstream refuses nothing, and sees each new token', async () => {
    const { kubelet, watcher } = await startRotation({ watch: true })
    const seen = new Set<string>()
    let refused = 0
    const upstream = await startUpstream(async ({ headers }, _request, response) => {
      const token = tokenOf(headers.authorization)
      try {
        await kubelet.verify(token)
        seen.add(token)
        response.end('ok')
      } catch {
        refused++
        response.writeHead(401).end('no')
      }
    })
    const proxy = await startProxy(upstream.origin, watcher)
    const statuses = await whileUnderLoad(proxy.origin, async () => {
      for (let round = 0; round < ROTATIONS; round++) {
        await kubelet.rotate()
        const { token } = kubelet.current
        await eventually(() => seen.has(token)).toBe(true)
      }
    })
    expect(refused).toBe(0)
    expect([...statuses.keys()]).toEqual([200])
    expect(seen.size).toBe(ROTATIONS + 1)
  })

  it('clients see no refusal of an upstream that takes the newest token only: each is retried', async () => {
    const { kubelet, watcher } = await startRotation({ watch: false })
    const accepted = new Map<string, number>()
    const upstream = await startUpstream(({ headers }, _request, response) => {
      const token = tokenOf(headers.authorization)
      if (token !== kubelet.current.token) return response.writeHead(401).end('revoked')
      accepted.set(token, (accepted.get(token) ?? 0) + 1)
      response.end('ok')
    })
    const proxy = await startProxy(upstream.origin, watcher)
    for (let round = 0; round < ROTATIONS; round++) {
      const response = await fetch(proxy.origin, { method: 'POST', body: 'a small body' })
      expect(response.status).toBe(200)
      await response.text()
      await kubelet.rotate()
    }
    await eventually(() => proxy.records.length).toBe(ROTATIONS)
    expect(proxy.records.filter(({ retried }) => retried).length).toBe(ROTATIONS - 1)
    expect([...accepted.values()]).toEqual(Array.from({ length: ROTATIONS }, () => 1))
  })
})
