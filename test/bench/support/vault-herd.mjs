/**
 * A herd of pods, each a session of the Vault package's own decision code, by simulated time: nothing here decides what
 * a pod does, or waits. All pods are independent, given when Vault is away, so each is simulated from start to end.
 */
import { loadDecisions } from './vault-modules.mjs'

/** A lease as a service token of a Kubernetes role has it. */
const grantOf = (leaseMs) => ({
  leaseSeconds: leaseMs / 1000,
  renewable: true,
  type: 'service',
  numUses: 0,
  isRoot: false,
})
const JWT = { fingerprint: 'aaaaaaaaaaaa', who: undefined }

/**
 * @param pods how many
 * @param leaseMs what Vault grants at logins and renewals
 * @param outageMs how long it refuses connections
 * @param losesTokens whether it comes back without the tokens that it gave
 * @param readEveryMs how often a pod reads a secret: so it learns that Vault is away, and that its token is dead
 * @param hungReadMs how long a read may hang while Vault is away; one that was sent before its lease ended is refused
 *   when Vault is back
 * @param loginSpreadMs the option of that name
 * @returns counts for each second from `fromSecond` on, where 0 is the beginning of the outage; and when all is well
 */
export async function simulateHerd({
  pods,
  leaseMs,
  outageMs,
  losesTokens = false,
  readEveryMs = 10_000,
  hungReadMs = 0,
  loginSpreadMs,
}) {
  const { advance, dueTask, leaseOf, startSession } = await loadDecisions()
  const random = createRandom(1)
  const phase = createRandom(2)
  const grant = grantOf(leaseMs)
  // The pods start spread over what lies between two renewals, and go on like that for a while.
  const downAtMs = 4 * leaseMs
  const upAtMs = downAtMs + outageMs
  const endMs = upAtMs + 3 * leaseMs
  const series = () => new Uint32Array(Math.ceil(endMs / 1000) + 1)
  const renewals = series()
  const logins = series()
  const withoutToken = series()
  let healthyAtMs = upAtMs
  let withoutTokenMs = 0
  let everWithoutToken = 0

  for (let pod = 0; pod < pods; pod++) {
    let session = startSession(random() * leaseMs * 0.7)
    let grantedAtMs = Number.NEGATIVE_INFINITY
    let wasWithout = false
    const firstReadMs = downAtMs + phase() * readEveryMs
    const readsInOutage = Math.max(0, Math.ceil((upAtMs - firstReadMs) / readEveryMs))
    const firstReadAfterMs = firstReadMs + readsInOutage * readEveryMs
    // Of those in the outage the last one counts: it says what the others do, later.
    const readsAtMs = [firstReadAfterMs - readEveryMs, upAtMs, firstReadAfterMs]
    if (readsInOutage === 0) readsAtMs.shift()
    const tell = (event, nowMs) => {
      session = advance(session, event, { nowMs, random, loginSpreadMs })
    }
    const isDead = (nowMs) => losesTokens && nowMs >= upAtMs && grantedAtMs < upAtMs
    const isAway = (nowMs) => nowMs >= downAtMs && nowMs < upAtMs

    for (;;) {
      const nowMs = Math.min(session.plan.atMs, readsAtMs[0] ?? Number.POSITIVE_INFINITY)
      if (nowMs > endMs) break
      const endAtMs = session.lease?.expiresAtMs ?? Number.NEGATIVE_INFINITY
      const isUsable = nowMs < endAtMs
      if (nowMs === readsAtMs[0]) {
        readsAtMs.shift()
        if (nowMs === upAtMs) {
          if (!isUsable && endAtMs > upAtMs - hungReadMs) tell({ type: 'token-dead', certain: true }, nowMs)
        } else if (isUsable && isDead(nowMs)) tell({ type: 'token-dead', certain: true }, nowMs)
        else if (isUsable && isAway(nowMs)) tell({ type: 'away-seen' }, nowMs)
        continue
      }
      const task = dueTask({ session, lookAtMs: Infinity, pollAtMs: Infinity, isUsable }, nowMs)
      const second = Math.floor(nowMs / 1000)
      if (task === 'renew') {
        renewals[second]++
        if (isAway(nowMs)) tell({ type: 'renew-failed', failure: 'unavailable' }, nowMs)
        else if (isDead(nowMs)) tell({ type: 'renew-failed', failure: 'denied', isDead: true }, nowMs)
        else grantAt(nowMs, 'renew-succeeded')
      } else if (task === 'login') {
        logins[second]++
        if (isAway(nowMs)) tell({ type: 'login-failed', failure: 'unavailable' }, nowMs)
        else grantAt(nowMs, 'login-succeeded')
      } else throw new Error(`a pod stopped: ${JSON.stringify(session.plan)}`)
    }
    if (wasWithout) everWithoutToken++

    function grantAt(nowMs, type) {
      const goodUntilMs = isDead(nowMs) ? upAtMs : grantedAtMs + leaseMs
      if (goodUntilMs > 0 && goodUntilMs < nowMs) {
        wasWithout = true
        withoutTokenMs += nowMs - goodUntilMs
        healthyAtMs = Math.max(healthyAtMs, nowMs)
        for (let at = Math.ceil(goodUntilMs / 1000); at <= nowMs / 1000; at++) withoutToken[at]++
      }
      grantedAtMs = nowMs
      tell({ type, lease: leaseOf(grant, nowMs, session.lease), jwt: JWT }, nowMs)
    }
  }

  const down = downAtMs / 1000
  const up = upAtMs / 1000
  const before = renewals.subarray(2 * (leaseMs / 1000), down)
  return {
    pods,
    leaseMs,
    outageMs,
    losesTokens,
    loginSpreadMs,
    fromSecond: -down,
    renewals,
    logins,
    withoutToken,
    steadyPerSecond: sumOf(before) / before.length,
    steadyPeak: Math.max(...before),
    /** From Vault's return on. */
    loginPeak: Math.max(...logins.subarray(up)),
    loginPeakOfTen: peakOf(logins.subarray(up), 10),
    renewalPeakOfTen: peakOf(renewals.subarray(up), 10),
    loginsAfter: sumOf(logins.subarray(up)),
    attemptsWhileAwayPeakOfTen: peakOf(
      logins.subarray(down, up).map((each, at) => each + renewals[down + at]),
      10,
    ),
    healthyAfterMs: healthyAtMs - upAtMs,
    everWithoutToken,
    withoutTokenMs,
  }
}

const sumOf = (values) => values.reduce((total, each) => total + each, 0)

/** The highest mean a second of so many seconds in a row. */
export function peakOf(values, seconds) {
  let sum = 0
  let peak = 0
  for (let at = 0; at < values.length; at++) {
    sum += values[at] - (at >= seconds ? values[at - seconds] : 0)
    peak = Math.max(peak, sum / seconds)
  }
  return peak
}

/** Mulberry32: the same herd every time. */
function createRandom(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
