/** What happened since it was last taken: numbers by client, and each request that did not go well. */
export function createLedger() {
  let counts = {}
  let records = []
  const of = (client) => {
    counts[client] ??= {
      requests: 0,
      accepted: 0,
      elsewhere: 0,
      refused: 0,
      failed: 0,
      stale: 0,
      maxStaleMs: 0,
    }
    return counts[client]
  }
  return {
    /** @param outcome accepted, elsewhere, refused, failed */
    add(client, outcome, details) {
      const count = of(client)
      count.requests++
      count[outcome]++
      if (outcome !== 'accepted' && outcome !== 'elsewhere') {
        records.push({ client, outcome, endedAtMs: Date.now(), ...details })
      }
    },
    /** A token was sent although the file held a newer one for `publishedMs`. */
    stale(client, startedAtMs, publishedMs) {
      records.push({ client, outcome: 'stale', startedAtMs, endedAtMs: Date.now(), publishedMs })
    },
    take() {
      const taken = { counts, records }
      counts = {}
      records = []
      return taken
    },
  }
}
