/** Sends requests over kept connections, and times each. */
import { serve } from './serve.mjs'

const agents = new Map()

serve({
  /** @returns requests a second, and the median and the 99th percentile of a request's milliseconds */
  async load({ origin, path, headers, requests, concurrency }) {
    const { Agent } = await import('undici')
    const key = `${origin} ${concurrency}`
    if (!agents.has(key)) agents.set(key, new Agent({ connections: concurrency }))
    const agent = agents.get(key)
    const times = new Float64Array(requests)
    let next = 0
    const work = async () => {
      while (next < requests) {
        const index = next++
        const startedAtMs = performance.now()
        const { statusCode, body } = await agent.request({ origin, path, method: 'GET', headers })
        await body.dump()
        times[index] = performance.now() - startedAtMs
        if (statusCode !== 200) throw new Error(`status ${statusCode}`)
      }
    }
    const startedAtMs = performance.now()
    await Promise.all(Array.from({ length: concurrency }, work))
    const seconds = (performance.now() - startedAtMs) / 1000
    times.sort()
    const at = (percent) => times[Math.max(0, Math.ceil((percent / 100) * requests) - 1)]
    return { perSecond: requests / seconds, p50: at(50), p99: at(99) }
  },
})
