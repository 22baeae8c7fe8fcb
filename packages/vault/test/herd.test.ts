import { describe, expect, it } from 'vitest'
import { leaseOf } from '../src/lease.js'
import { advance, startSession } from '../src/session.js'
import type { Session } from '../src/session-types.js'
import { jwt, jwtSource, scene } from './support.js'

const PODS = 10_000
const GRANT = { leaseSeconds: 3_600, renewable: true, type: 'service', numUses: 0, isRoot: false }
const JWT = { fingerprint: 'aaaaaaaaaaaa', who: undefined }

describe('many providers in one process', () => {
  it('rule 8: have one login in flight for the same place and JWT, and share its token', async () => {
    const { vault, provide } = await scene()
    const providers = Array.from({ length: 20 }, () => provide())
    const tokens = await Promise.all(providers.map((provider) => provider.getToken()))
    expect(vault.count('/login')).toBe(1)
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(1)
  })

  it('rule 8: log in one after the other with different JWTs, each with its own', async () => {
    const { vault, provide } = await scene()
    let inFlight = 0
    let most = 0
    vault.always('/login', async () => {
      most = Math.max(most, ++inFlight)
      await new Promise((resolve) => setImmediate(resolve))
      inFlight--
      return undefined as never
    })
    const providers = Array.from({ length: 5 }, (_, i) => provide({ jwt: jwtSource(jwt({ jti: `${i}` })) }))
    const tokens = await Promise.all(providers.map((provider) => provider.getToken()))
    expect(most).toBe(1)
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(5)
  })

  it.each([
    ['roles', { role: 'other' }],
    ['mounts', { mount: 'other' }],
    ['namespaces', { namespace: 'other' }],
  ])('rule 8: with different %s do not wait for each other', async (_what, options) => {
    const { vault, provide } = await scene()
    vault.script('/login', 'hang')
    const first = provide()
    await expect.poll(() => vault.count('/login')).toBe(1)
    await provide(options).getToken()
    expect(first.status()).toMatchObject({ state: 'starting', activity: 'login' })
  })

  it('log in themselves when the one that did it for all is closed', async () => {
    const { vault, provide } = await scene()
    vault.script('/login', 'hang')
    const first = provide()
    await expect.poll(() => vault.count('/login')).toBe(1)
    const second = provide()
    const token = second.getToken()
    await first.close()
    expect((await token).token).toBe(vault.issued[0])
  })

  it('wait for another one that logs in for all no longer than for a request of their own', async () => {
    const { vault, clock, provide } = await scene()
    vault.always('/login', () => 'hang')
    const first = provide({ requestTimeoutMs: 600_000 })
    await expect.poll(() => vault.count('/login')).toBe(1)
    const second = provide({ requestTimeoutMs: 2_000 })
    await expect.poll(() => second.status().activity).toBe('login')
    await clock.advance(2_000)
    await expect.poll(() => second.status().lastFailure?.message).toContain('no answer within 2 s')
    expect(first.status()).toMatchObject({ activity: 'login', lastFailure: undefined })
    expect(vault.count('/login')).toBe(1)
  })

  it.each([
    ['at once', {}, 0],
    ['within 2 s, with a token to revoke', { revokeOnClose: true }, 2_000],
  ])('close %s while another one logs in for all', async (_when, options, afterMs) => {
    const { vault, clock, provide } = await scene()
    vault.script('/login', 'hang')
    const first = provide()
    await expect.poll(() => vault.count('/login')).toBe(1)
    const second = provide(options)
    await expect.poll(() => second.status().activity).toBe('login')
    let isClosed = false
    const closing = second.close().then(() => {
      isClosed = true
    })
    await clock.advance(afterMs)
    await expect.poll(() => isClosed, { timeout: 2_000 }).toBe(true)
    await closing
    expect(first.status()).toMatchObject({ state: 'starting', activity: 'login' })
  })

  it('revoke a shared token with the last of them, not before', async () => {
    const { vault, provide } = await scene()
    const [one, other] = [provide({ revokeOnClose: true }), provide({ revokeOnClose: true })]
    await Promise.all([one.getToken(), other.getToken()])
    await one.close()
    expect(vault.count('/revoke-self')).toBe(0)
    await other.close()
    expect(vault.count('/revoke-self')).toBe(1)
    expect(vault.live.size).toBe(0)
  })
})

/** Ten thousand sessions of the real decision code, in one loop over their plans; `vault` answers. */
function simulate(
  sessions: Session[],
  untilMs: number,
  vault: (action: 'login' | 'renew', atMs: number) => Parameters<typeof advance>[1],
  loginSpreadMs?: number,
): number[] {
  const logins: number[] = []
  for (let index = 0; index < sessions.length; index++) {
    let session = sessions[index] as Session
    while (
      session.plan.atMs <= untilMs &&
      (session.plan.action === 'login' || session.plan.action === 'renew')
    ) {
      const { action, atMs: nowMs } = session.plan
      if (action === 'login') logins.push(nowMs)
      session = advance(session, vault(action, nowMs), { nowMs, random: Math.random, loginSpreadMs })
    }
    sessions[index] = session
  }
  return logins
}

/** The most that fell into one window, of a second unless told otherwise. */
function peak(times: number[], windowMs = 1_000): number {
  const perWindow = new Map<number, number>()
  for (const ms of times) {
    const window = Math.floor(ms / windowMs)
    perWindow.set(window, (perWindow.get(window) ?? 0) + 1)
  }
  return Math.max(0, ...perWindow.values())
}

describe(`${PODS.toLocaleString('en')} pods that make the same decisions`, () => {
  const loggedIn = (nowMs: number) => ({
    type: 'login-succeeded' as const,
    lease: leaseOf(GRANT, nowMs),
    jwt: JWT,
  })

  it('rule 2: do not renew together, although they logged in together', () => {
    const renewals: number[] = []
    const sessions = Array.from({ length: PODS }, () => startSession(0))
    simulate(sessions, 3_600_000, (action, atMs) => {
      if (action === 'login') return loggedIn(atMs)
      renewals.push(atMs)
      return { type: 'renew-succeeded', lease: leaseOf(GRANT, atMs) }
    })
    // 1/15 of an hour is 240 s.
    expect(peak(renewals)).toBeLessThan((PODS / 240) * 2)
  })

  it('rule 8: spread their logins over minutes when Vault comes back without their tokens', () => {
    const downFromMs = 100_000
    const upAtMs = downFromMs + 3_000_000
    const sessions = Array.from({ length: PODS }, () => startSession(0))
    const logins = simulate(sessions, upAtMs + 3_600_000, (action, atMs) => {
      if (atMs < downFromMs) return loggedIn(atMs)
      if (atMs < upAtMs) {
        return action === 'login'
          ? { type: 'login-failed', failure: 'unavailable' }
          : { type: 'renew-failed', failure: 'unavailable' }
      }
      if (action === 'login') return loggedIn(atMs)
      return sessionIsOld(atMs)
        ? { type: 'renew-failed', failure: 'denied' }
        : { type: 'renew-succeeded', lease: leaseOf(GRANT, atMs) }
    }).filter((atMs) => atMs >= upAtMs)
    function sessionIsOld(atMs: number): boolean {
      return atMs < upAtMs + 60_000
    }
    expect(logins.length).toBeGreaterThanOrEqual(PODS)
    // 5 % of an hour is 180 s: 56 a second if it were perfectly even.
    expect(peak(logins)).toBeLessThan((PODS / 180) * 3)
  })

  /** Their logins from the beginning of an outage on, and its end; before it they renew evenly spread. */
  function loginsAround(outageMs: number, loginSpreadMs?: number): { logins: number[]; upAtMs: number } {
    const downAtMs = 3 * 3_600_000
    const upAtMs = downAtMs + outageMs
    const betweenRenewalsMs = 3_600_000 * 0.7
    const sessions = Array.from({ length: PODS }, (_, pod) => startSession((pod / PODS) * betweenRenewalsMs))
    const answer = (action: 'login' | 'renew', atMs: number): Parameters<typeof advance>[1] => {
      if (atMs >= downAtMs && atMs < upAtMs)
        return { type: action === 'login' ? 'login-failed' : 'renew-failed', failure: 'unavailable' }
      return action === 'login' ? loggedIn(atMs) : { type: 'renew-succeeded', lease: leaseOf(GRANT, atMs) }
    }
    const logins = simulate(sessions, upAtMs + 3_600_000, answer, loginSpreadMs)
    return { logins: logins.filter((atMs) => atMs >= downAtMs), upAtMs }
  }

  it('rule 3: do not log in after Vault was away for 5 min: their tokens outlive that', () => {
    expect(loginsAround(300_000).logins).toEqual([])
  })

  it('rule 8: log in once each, within 5 % of the TTL, when Vault was away for 2 h', () => {
    const { logins, upAtMs } = loginsAround(7_200_000)
    const after = logins.filter((atMs) => atMs >= upAtMs)
    expect(after).toHaveLength(PODS)
    expect(Math.max(...after)).toBeLessThanOrEqual(upAtMs + 180_000)
    // Twice what is perfectly even; by ten seconds, so that chance has little part in it.
    expect(peak(after, 10_000) / 10).toBeLessThan((PODS / 180) * 2)
    // Nearly even, since they do not try more often while Vault is away than they are to log in after it.
    expect(peak(after, 60_000) / 60).toBeLessThan((PODS / 180) * 1.25)
    const lastHour = logins.filter((atMs) => atMs >= upAtMs - 3_600_000 && atMs < upAtMs)
    expect(lastHour.length / 3_600).toBeLessThan((PODS / 180) * 1.25)
  })

  it('rule 8: log in at twice the rate of their renewals at most, within loginSpreadMs, when that is 35 % of the TTL', () => {
    const spreadMs = 0.35 * 3_600_000
    const { logins, upAtMs } = loginsAround(7_200_000, spreadMs)
    const after = logins.filter((atMs) => atMs >= upAtMs)
    expect(after).toHaveLength(PODS)
    expect(Math.max(...after)).toBeLessThanOrEqual(upAtMs + spreadMs)
    const renewalsPerSecond = PODS / (3_600 * 0.7)
    // On average over a few minutes, so that chance has little part in it; waits vary by a tenth.
    expect(peak(after, 200_000) / 200).toBeLessThan(2 * renewalsPerSecond * 1.2)
  })

  it('rule 3: log in only where the token has ended before Vault comes back, or is about to', () => {
    const { logins, upAtMs } = loginsAround(2_400_000)
    const after = logins.filter((atMs) => atMs >= upAtMs)
    // Renewals are 42 min apart and the first one missed has 18 min left: after 40 min away 22 of 42 have ended.
    expect(after.length / PODS).toBeGreaterThan(22 / 42 - 0.02)
    // Those whose last 10 % have just begun had a login planned, within 3 min.
    expect(after.length / PODS).toBeLessThan((22 + 3) / 42 + 0.02)
    // Theirs may be planned a minute before these 10 % begin.
    expect(Math.max(...after)).toBeLessThanOrEqual(upAtMs + 240_000)
  })

  /** Their logins after Vault, last seen away `agoMs` before, has lost their tokens and they are refused at 1,000 s. */
  function loginsAfterLoss(agoMs: number, numUses = 0): number[] {
    const sessions = Array.from({ length: PODS }, () => {
      const { random } = Math
      const granted = { ...loggedIn(0), lease: leaseOf({ ...GRANT, numUses }, 0) }
      const session = advance(startSession(0), granted, { nowMs: 0, random })
      const seen = advance(session, { type: 'away-seen' }, { nowMs: 1_000_000 - agoMs, random })
      return advance(seen, { type: 'token-dead', certain: true }, { nowMs: 1_000_000, random })
    })
    return simulate(sessions, 1_200_000, (_action, atMs) => loggedIn(atMs))
  }

  it('rule 8: spread their logins over 5 % of the TTL when their requests have seen the outage within a minute', () => {
    const logins = loginsAfterLoss(59_999)
    expect(logins).toHaveLength(PODS)
    expect(peak(logins, 10_000) / 10).toBeLessThan((PODS / 180) * 2)
    expect(Math.max(...logins)).toBeLessThanOrEqual(1_000_000 + 180_000)
  })

  it.each([
    ['what was seen is a minute old: they drift apart by their requests', 60_000, 0],
    ['the tokens are of limited uses, and so used up', 0, 3],
  ])('rule 5: log in when they are refused, if %s', (_what, agoMs, numUses) => {
    expect(new Set(loginsAfterLoss(agoMs, numUses))).toEqual(new Set([1_000_000]))
  })

  it('rule 8: do not even retry together after the first failure', () => {
    const sessions = Array.from({ length: PODS }, () => startSession(0))
    const attempts: number[] = []
    simulate(sessions, 60_000, (_action, atMs) => {
      attempts.push(atMs)
      return atMs < 5_000 ? { type: 'login-failed', failure: 'unavailable' } : loggedIn(atMs)
    })
    const retries = attempts.filter((atMs) => atMs > 0)
    const inOneTenth = new Map<number, number>()
    for (const ms of retries)
      inOneTenth.set(Math.floor(ms / 100), (inOneTenth.get(Math.floor(ms / 100)) ?? 0) + 1)
    expect(Math.max(...inOneTenth.values())).toBeLessThan(PODS / 4)
  })
})
