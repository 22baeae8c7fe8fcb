/** One fault, on all adapters at once: a process for each, and what their requests came to. */
import { setTimeout as delay } from 'node:timers/promises'
import { keepAsking, untilLooked, waitFor } from './asking.mjs'
import { idOf, labelOf } from './labels.mjs'
import { describePhases, isAsExpected, phasesOf } from './outcome.mjs'
import { aftermath, hurries, leaks, tellsTheReason, watchIsHonest } from './remarks.mjs'
import { startClient } from './start-client.mjs'
import { LONG_SECONDS, startWorld } from './world.mjs'

/** Requests that a phase has to be made of before it counts as all there is. */
const ENOUGH_REQUESTS = 8
const MAX_ROW_MS = 10 * 60_000
const MAX_CLOSE_MS = 60_000

/**
 * @param {import('../faults/context.mjs').Fault} fault
 * @param {Record<string, string>} expected by adapter: only these are run
 * @returns {Promise<Record<string, { seen: string, isAsExpected: boolean, timeline: object[] }>>} by adapter
 */
export async function runRow(fault, expected, { vaults, patienceMs }) {
  const closers = []
  const toClose = (thing) => {
    closers.push(thing)
    return thing
  }
  let cells
  let failure
  try {
    const all = async () => {
      const world = await startWorld(fault, Object.keys(expected), vaults, toClose)
      const row = await begin(fault, expected, world, patienceMs, toClose)
      await watchIt(row)
      await endIt(row)
      return judge(row)
    }
    cells = await Promise.race([all(), tooLate(MAX_ROW_MS)])
  } catch (error) {
    failure = error
  }
  for (const { close } of closers.reverse()) {
    await Promise.race([close(), tooLate(MAX_CLOSE_MS)]).catch((error) => {
      failure ??= error
    })
  }
  if (failure) throw failure
  return cells
}

/** Whatever hangs, a process or a kubelet: it is told, and what was started is ended. */
async function tooLate(ms) {
  await delay(ms, undefined, { ref: false })
  throw new Error(`not done after ${ms / 1_000} s`)
}

/** Starts the clients, and the fault: this first if it is one of the start. */
async function begin(fault, expected, world, patienceMs, toClose) {
  const { kubelet, servers, elsewhere } = world
  const adapters = Object.keys(expected)
  const clients = []
  const forbidden = new Set()
  const context = {
    ...{ kubelet, elsewhere, servers: Object.values(servers), clients: [], sinks: [] },
    untilLooked: () => untilLooked(clients),
    remark: (adapter, text) => void row.remarks[adapter].push(text),
    onStop() {
      row.stoppedAt = performance.now()
    },
    forbid: (token) => void forbidden.add(idOf(token)),
  }
  const row = { fault, expected, world, patienceMs, adapters, clients, forbidden, loops: {}, remarks: {} }
  const apply = async () => {
    const undo = await fault.apply(context)
    let ending
    row.undo = () => {
      ending ??= undo()
      return ending
    }
    // Whatever else fails: a kubelet that is held up could not be closed.
    toClose({ close: row.undo })
  }

  const oldIds = Object.fromEntries(adapters.map((adapter) => [adapter, kubelet.current.claims.jti]))
  row.label = (adapter, result) => labelOf(result, oldIds[adapter], forbidden)
  if (fault.first) await apply()
  clients.push(
    ...(await Promise.all(adapters.map(async (adapter) => toClose(await startClient(adapter, world))))),
  )
  context.clients = clients.flatMap(({ processes }) => processes)
  context.sinks = clients.flatMap(({ sinks = [] }) => sinks)
  for (const client of clients) {
    row.loops[client.adapter] = toClose(keepAsking(client))
    row.remarks[client.adapter] = []
  }
  row.before = await statuses(row)
  row.startedAt = performance.now()
  if (fault.first) return row

  const hasBegun = await waitFor(() =>
    adapters.every((adapter) => row.loops[adapter].last?.kind === 'accepted'),
  )
  if (!hasBegun) throw new Error(`no accepted request before the fault: ${JSON.stringify(lastOf(row))}`)
  for (const adapter of adapters) oldIds[adapter] = row.loops[adapter].last.id
  row.before = await statuses(row)
  row.startedAt = performance.now()
  await apply()
  return row
}

/** Waits until every client has met the fault, and requests have come to what is expected, or patience ends. */
async function watchIt(row) {
  const { fault, expected, world, adapters, clients, loops, patienceMs } = row
  if (!fault.isOver && !fault.stops) await untilLooked(clients)
  row.revokes = !fault.first && !fault.keepsSessions && adapters.includes('vault')
  if (row.revokes) await world.servers.vault.revokeAll()
  if (fault.stops) {
    await row.undo()
    await untilLooked(clients)
  }
  const asked = Object.fromEntries(adapters.map((adapter) => [adapter, loops[adapter].count]))
  const isComplete = (adapter) =>
    isAsExpected(expected[adapter], phases(row, adapter)) &&
    (expected[adapter] === 'waits' || loops[adapter].count >= asked[adapter] + ENOUGH_REQUESTS)
  const hasLoggedIn = async () => {
    // Where no login can succeed, the phases say so.
    if (!row.revokes || /ERR_/.test(expected.vault)) return true
    return (await statuses(row)).vault.logins > row.before.vault.logins
  }
  await waitFor(async () => adapters.every(isComplete) && (await hasLoggedIn()), patienceMs)
  if (!(await hasLoggedIn())) row.remarks.vault.push('no login happened')
  row.phases = Object.fromEntries(adapters.map((adapter) => [adapter, phases(row, adapter)]))

  const seconds = (performance.now() - row.startedAt) / 1_000
  const after = await statuses(row)
  for (const adapter of adapters) {
    const found = row.remarks[adapter]
    found.push(...watchIsHonest(fault, after[adapter].watch))
    found.push(...tellsTheReason(fault, adapter, loops[adapter].results))
    if (!fault.calm) continue
    const counts = { reads: after[adapter].reads - row.before[adapter].reads, calls: loops[adapter].count }
    found.push(...hurries({ ...counts, ...world.servers[adapter].seen }, seconds))
  }
}

/** Ends the fault, rotates as a healthy kubelet, and waits until every client serves the new token. */
async function endIt(row) {
  const { fault, world, adapters, loops, patienceMs } = row
  const endedAt = performance.now()
  await row.undo()
  const last = fault.rotates ? undefined : await world.kubelet.rotate({ expirationSeconds: LONG_SECONDS })
  const isBack = (adapter) => {
    const { kind, begunAt, id } = loops[adapter].last ?? {}
    if (kind !== 'accepted' || begunAt < endedAt) return false
    // A Vault token outlives the JWT that it was granted for.
    return last === undefined || adapter === 'vault' || fault.launch === 'agent' || id === last.claims.jti
  }
  await waitFor(() => adapters.every(isBack), patienceMs)
  for (const adapter of adapters) {
    const later = loops[adapter].results.filter(({ begunAt }) => begunAt > endedAt)
    const labels = later.map((result) => row.label(adapter, result))
    row.remarks[adapter].push(...aftermath(row.phases[adapter], labels, isBack(adapter)))
  }
}

function judge({ expected, world, adapters, loops, phases: found, remarks }) {
  const { servers, elsewhere } = world
  return Object.fromEntries(
    adapters.map((adapter) => {
      const all = [...remarks[adapter], ...leaks(servers[adapter]?.seen, elsewhere.seen)]
      return [
        adapter,
        {
          seen: [describePhases(found[adapter]), ...all].join('; '),
          isAsExpected: all.length === 0 && isAsExpected(expected[adapter], found[adapter]),
          timeline: loops[adapter].results,
        },
      ]
    }),
  )
}

/**
 * What requests came to since the fault began. Left out is the refusal of one that was under way when its process was
 * stopped: it left with a token that was valid, and arrived later.
 */
function phases({ loops, startedAt, stoppedAt, fault, label }, adapter) {
  const { results } = loops[adapter]
  const during = fault.first ? results : results.filter(({ at }) => at >= startedAt)
  const isLate = ({ kind, begunAt, at }) => kind === 'answer' && begunAt < stoppedAt && at > stoppedAt
  return phasesOf(during.filter((result) => !isLate(result)).map((result) => label(adapter, result)))
}

async function statuses({ clients }) {
  return Object.fromEntries(
    await Promise.all(
      clients.map(async ({ adapter, status }) => [adapter, await status().catch(() => ({}))]),
    ),
  )
}

function lastOf({ adapters, loops }) {
  return Object.fromEntries(adapters.map((adapter) => [adapter, loops[adapter].last]))
}
