/**
 * What a case has come to, under the names of expectations.mjs. Pure.
 *
 * - rotations: other tokens in the pod's files than before, seen on the node; 'rotations since': the clients' first
 *   token; mode: mode and owner of the first file
 * - 'sdk sent', 'sdk refused', 'sdk stale': requests of the clients under test as the server saw them; stale: past
 *   `warnafter`, which is not refused
 * - 'sdk withheld': calls that failed because there was no valid token; nothing was sent for them
 * - 'sdk rotations', state, overdue, watch, 'last failure', events: by the watchers' own word
 * - 'once refused' and the like: the other clients of the pod, as the server saw them
 *
 * @param sdk, naive counts of the server; @param reports of the clients under test
 */
export function summarize({ files, place, sdk, naive, reports }) {
  const sum = (list, pick) => list.reduce((total, each, index) => total + pick(each, index), 0)
  const all = (pick) => [...new Set(reports.map(pick))].join(', ')
  const measured = {
    rotations: sum(files, (file) => file.rotations()),
    'rotations since': sum(files, (file, index) => file.rotationsSince(reports[index]?.first)),
    mode: place ?? 'none',
    'sdk rotations': sum(reports, ({ status }) => status.rotations),
    'sdk sent': sum(sdk, ({ requests }) => requests),
    'sdk refused': sum(sdk, ({ refused }) => refused),
    'sdk stale': sum(sdk, ({ stale }) => stale),
    'sdk withheld': sum(reports, ({ counts }) => counts.withheld),
    'sdk failed': sum(reports, ({ counts }) => counts.failed),
    state: all(({ status }) => status.state),
    overdue: reports.some(({ status }) => status.overdue),
    watch: all(({ status }) => status.watch.state),
    'last failure': all(({ status }) => describeFailure(status.lastFailure)),
    events: reports.map(({ events }) => describeEvents(events)).join('; '),
    reasons: reasonsOf(sdk),
  }
  for (const [kind, { requests, refused, stale }] of Object.entries(naive)) {
    Object.assign(measured, {
      [`${kind} sent`]: requests,
      [`${kind} refused`]: refused,
      [`${kind} stale`]: stale,
    })
  }
  return measured
}

const describeFailure = (failure) => (failure ? `${failure.code} ${failure.message}` : '')

/** `rotated ×3, overdue, expired` */
function describeEvents(events) {
  const runs = []
  for (const { event } of events) {
    if (runs.at(-1)?.event === event) runs.at(-1).count++
    else runs.push({ event, count: 1 })
  }
  return runs.map(({ event, count }) => (count > 1 ? `${event} ×${count}` : event)).join(', ')
}

function reasonsOf(counts) {
  return [...new Set(counts.flatMap(({ reasons }) => Object.keys(reasons)))].join('; ')
}
