/** Sends requests with the adapters, and with a static header in their place. */
import { serve } from './serve.mjs'

const CONCURRENCY = 16
const sides = {}

serve({
  async prepare({ origin, file }) {
    const { createTokenWatcher } = await import('@projected-token/core')
    const { createAuthFetch } = await import('@projected-token/fetch')
    const { createTokenInterceptor } = await import('@projected-token/fetch/undici')
    const { Agent } = await import('undici')
    const watcher = createTokenWatcher({ path: file })
    const { token } = await watcher.getToken()
    const headers = { authorization: `Bearer ${token}` }
    const url = `${origin}/api/v1/namespaces/default/pods`

    const authFetch = createAuthFetch(watcher, { origins: origin })
    sides['fetch bare'] = async () => (await fetch(url, { headers })).text()
    sides['fetch adapter'] = async () => (await authFetch(url)).text()

    const agent = new Agent({ connections: CONCURRENCY })
    const composed = agent.compose(createTokenInterceptor(watcher, { origins: origin }))
    const options = { origin, path: '/api/v1/namespaces/default/pods', method: 'GET' }
    sides['undici bare'] = async () => (await agent.request({ ...options, headers })).body.text()
    sides['undici adapter'] = async () => (await composed.request({ ...options })).body.text()
  },

  /** @returns requests a second, and the processor's microseconds a request */
  async load({ side, requests }) {
    let left = requests
    const work = async () => {
      while (left-- > 0) await sides[side]()
    }
    const cpu = process.cpuUsage()
    const startedAt = process.hrtime.bigint()
    await Promise.all(Array.from({ length: CONCURRENCY }, work))
    const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9
    const { user, system } = process.cpuUsage(cpu)
    return { perSecond: requests / seconds, cpuMicros: (user + system) / requests }
  },
})
