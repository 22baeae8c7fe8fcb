/** What programs do that know of no rotation, or have half heard of it. */
import { readFileSync, watch } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

const CACHE_MS = 60_000

const read = (path) => readFileSync(path, 'utf8').trim()

/** Each takes a path and returns a function that gives a token for a request. */
const STRATEGIES = {
  once(path) {
    const token = read(path)
    return () => token
  },
  'watch-file'(path) {
    let token = read(path)
    watch(path, () => {
      token = read(path)
    })
    return () => token
  },
  'cache-60s'(path) {
    let token
    let readAtMs = Number.NEGATIVE_INFINITY
    return () => {
      if (performance.now() - readAtMs >= CACHE_MS) {
        token = read(path)
        readAtMs = performance.now()
      }
      return token
    }
  },
}

/** The server counts what they get. */
export function startNaiveClients({ name, path, url, intervalMs }) {
  for (const [strategy, start] of Object.entries(STRATEGIES)) {
    // Who cannot read the file has no token to send, and says so as such programs do.
    go(start, `${name}/${strategy}`).catch((error) => console.error(`${strategy}: ${error.message}`))
  }

  async function go(start, client) {
    const tokenNow = start(path)
    for (;;) {
      const headers = { authorization: `Bearer ${tokenNow()}`, 'x-client': client }
      await fetch(url, { headers }).then(
        (response) => response.body?.cancel(),
        () => {},
      )
      await delay(intervalMs)
    }
  }
}
