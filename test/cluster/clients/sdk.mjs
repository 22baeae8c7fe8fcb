/** The client under test: a token watcher, and a fetch that sends its token. */
import { setTimeout as delay } from 'node:timers/promises'
import { createTokenWatcher, tokenFingerprint } from '@projected-token/core'
import { createAuthFetch } from '@projected-token/fetch'

const EVENTS = ['rotated', 'failed', 'recovered', 'overdue', 'expired', 'watch']
const MAX_EVENTS = 100

/** @returns report(), which is plain JSON */
export function startSdkClient({ name, path, audience, url, intervalMs }) {
  const watcher = createTokenWatcher({ path, audience, keepAlive: true })
  const authFetch = createAuthFetch(watcher, { origins: [new URL(url).origin] })
  const counts = { calls: 0, accepted: 0, refused: 0, withheld: 0, failed: 0, withheldAs: {} }
  const events = []
  for (const event of EVENTS) {
    watcher.on(event, ({ error }) => {
      if (events.length < MAX_EVENTS) events.push({ event, atMs: Date.now(), code: error?.code })
    })
  }

  async function call() {
    counts.calls++
    try {
      const response = await authFetch(url, { headers: { 'x-client': name } })
      await response.body?.cancel()
      counts[response.ok ? 'accepted' : 'refused']++
    } catch (error) {
      // Without a valid token nothing is sent.
      const isWithheld = error.code?.startsWith('ERR_TOKEN_')
      counts[isWithheld ? 'withheld' : 'failed']++
      const code = error.code ?? error.message
      counts.withheldAs[code] = (counts.withheldAs[code] ?? 0) + 1
    }
  }
  async function go() {
    for (;;) {
      await call()
      await delay(intervalMs)
    }
  }
  /** The kubelet may have rotated before this program began. */
  let first
  watcher.getToken().then(
    ({ token }) => {
      first = tokenFingerprint(token)
    },
    () => {},
  )
  void go()
  return () => ({ counts, events, first, status: watcher.status() })
}
