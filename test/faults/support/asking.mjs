/** Clients that ask all the time, and waiting for what they come to. */
import { setTimeout as delay } from 'node:timers/promises'

const REQUEST_PAUSE_MS = 25
const LOOK_INTERVAL_MS = 50
/** How long things are waited for that happen in any case. */
const PATIENCE_MS = 45_000

/** Sends one request after the other until it is closed; `results` has what became of each, and when. */
export function keepAsking(client) {
  const results = []
  let isOver = false
  const ask = () =>
    client.request().catch(({ code, message }) => ({ kind: 'network', code: code ?? message }))
  const run = async () => {
    while (!isOver) {
      const begunAt = performance.now()
      const result = await ask()
      results.push({ ...result, begunAt, at: performance.now() })
      await delay(REQUEST_PAUSE_MS)
    }
  }
  void run()
  return {
    results,
    get last() {
      return results.at(-1)
    },
    get count() {
      return results.length
    },
    // A request may hang until its process is killed, after this.
    async close() {
      isOver = true
    },
  }
}

/** @returns {Promise<boolean>} whether the condition came true in time */
export async function waitFor(condition, patienceMs = PATIENCE_MS) {
  const deadline = performance.now() + patienceMs
  while (!(await condition())) {
    if (performance.now() > deadline) return false
    await delay(LOOK_INTERVAL_MS)
  }
  return true
}

/** Two looks at the file by each client: the first one may have begun before. */
export async function untilLooked(clients) {
  await Promise.all(
    clients.map(async ({ adapter, status }) => {
      let first
      const hasLooked = await waitFor(async () => {
        const { reads, isSilent } = await status().catch(() => ({}))
        first ??= reads
        return isSilent || reads >= first + 2
      })
      if (!hasLooked) throw new Error(`${adapter} does not look at the file`)
    }),
  )
}
