/** Adds up what the clients report, and judges each request that did not go well. */
import { isExplainedBy, judgeRecord } from './judge.mjs'
import { megabytes } from './table.mjs'

/** Of each kind: enough to understand it, not so many that a long failure fills the memory. */
const MAX_VIOLATIONS = 200
/** A fault that ended so long before a request is no longer told with it. */
const NEAR_MS = 30_000
const EMPTY = {
  ...{ requests: 0, accepted: 0, elsewhere: 0, refused: 0, failed: 0 },
  ...{ shared: 0, broken: 0, reacting: 0, violation: 0, maxReactionMs: 0 },
  /** The age of a newer token in the file when an older one was sent: the most, without and with a fault of processes. */
  ...{ stale: 0, maxStaleMs: 0, maxStaleInFaultMs: 0 },
}

/** @param onViolation is told of each, at once */
export function createTally(onViolation = () => {}) {
  const clients = {}
  const reasons = {}
  const faults = []
  const violations = []
  let recoveryMs

  const of = (client) => {
    clients[client] ??= { ...EMPTY }
    return clients[client]
  }
  const noteStale = (record) => {
    const count = of(record.client)
    const field = isExplainedBy(record, faults) ? 'maxStaleInFaultMs' : 'maxStaleMs'
    count.stale++
    count[field] = Math.max(count[field], record.publishedMs)
  }
  const judge = (record) => {
    if (record.outcome === 'stale') return noteStale(record)
    const verdict = judgeRecord(record, faults)
    const count = of(record.client)
    count[verdict]++
    if (verdict === 'reacting') count.maxReactionMs = Math.max(count.maxReactionMs, record.publishedMs)
    const key = `${record.client} ${verdict}: ${record.reason}`
    reasons[key] = (reasons[key] ?? 0) + 1
    if (verdict === 'violation') noteViolation(record)
  }
  const noteViolation = (record) => {
    if (violations.length >= MAX_VIOLATIONS) return
    const isNear = ({ toMs = Number.POSITIVE_INFINITY }) => toMs >= record.startedAtMs - NEAR_MS
    const near = faults
      .filter(isNear)
      .map(({ name, fromMs, toMs }) => describeNear(record, name, fromMs, toMs))
    violations.push({ ...record, near })
    onViolation(violations.at(-1))
  }
  const sum = (field) => Object.values(clients).reduce((total, each) => total + each[field], 0)

  return {
    /** A fault begins; its entry is kept, and its end is written into it. */
    begin: (fault) => faults.push(fault),
    take({ counts, records }) {
      for (const [client, count] of Object.entries(counts)) {
        const total = of(client)
        for (const field of Object.keys(count)) total[field] += count[field]
      }
      records.forEach(judge)
    },
    recoveredIn(ms) {
      recoveryMs = ms
    },
    line(minute, minutes, { inside, clients: own, sidecar }, rotations) {
      const memory = [own, sidecar].map((each) => (each ? megabytes(each.rssBytes) : '?')).join(' and ')
      const refusals = `${sum('refused')} refused (${sum('shared')} the perfect client too, ${sum('reacting')} within the reaction time)`
      return (
        `minute ${minute} of ${minutes}: ${sum('requests')} requests, ${rotations} rotations, ${faults.length} faults, ` +
        `${refusals}, ${sum('violation')} violations; ${memory} resident, heap ${megabytes(inside.heapUsed)}`
      )
    },
    finish() {
      const byName = {}
      for (const { name } of faults) byName[name] = (byName[name] ?? 0) + 1
      return { clients, reasons, faults: byName, violations, recoveryMs }
    },
  }
}

function describeNear({ startedAtMs }, name, fromMs, toMs) {
  const began = `began ${startedAtMs - fromMs} ms before`
  return `${name}: ${began}, ${toMs === undefined ? 'not over yet' : `over ${startedAtMs - toMs} ms before`}`
}
