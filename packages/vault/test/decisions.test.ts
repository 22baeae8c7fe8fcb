import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FailureClass, judgeForbidden } from '../src/classify-answer.js'
import { backoffMs } from '../src/jitter.js'
import { type Grant, type Lease, leaseOf } from '../src/lease.js'
import { loginReserveMs, planForLease } from '../src/lease-plan.js'
import { planAfterLoginFailure, planLogin } from '../src/login-plan.js'
import { lossSpreadMs, outageSpreadMs, retrySpreadMs, waitInSpreadMs } from '../src/login-spread.js'
import { dueTask, isLoginOnDemand, nextDueAtMs } from '../src/next-task.js'
import { redact } from '../src/redact.js'
import { advance, startSession } from '../src/session.js'
import type { Session, SessionEvent } from '../src/session-types.js'
import { lookAtMs } from '../src/token-doubt.js'

const TEN_YEARS_S = 10 * 365 * 86_400
const ttlSeconds = fc.integer({ min: 1, max: TEN_YEARS_S })
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const sentAt = fc.double({ min: 0, max: 1e12, noNaN: true })
const service = (leaseSeconds: number, more: Partial<Grant> = {}): Grant => ({
  leaseSeconds,
  renewable: true,
  type: 'service',
  numUses: 0,
  isRoot: false,
  ...more,
})
const FAILURES: FailureClass[] = [
  'unavailable',
  'sealed',
  'rate-limited',
  'role',
  'mfa',
  'jwt-refused',
  'jwt-not-yet-valid',
  'jwt-unavailable',
  'denied',
  'refused',
  'tls',
  'redirect',
]

describe('the decisions, for every TTL from 1 s to 10 years', () => {
  it('rule 1: count the expiry from the moment the request was sent', () => {
    fc.assert(
      fc.property(ttlSeconds, sentAt, (ttl, sentAtMs) => {
        expect(leaseOf(service(ttl), sentAtMs).expiresAtMs).toBe(sentAtMs + ttl * 1_000)
      }),
    )
  })

  it('rule 2: renew at 2/3 to 11/15 of the TTL: never at t = 0, never after the end, never at NaN', () => {
    fc.assert(
      fc.property(ttlSeconds, sentAt, chance, (ttl, sentAtMs, random) => {
        const plan = planForLease(leaseOf(service(ttl), sentAtMs), () => random)
        expect(plan.action).toBe('renew')
        const share = (plan.atMs - sentAtMs) / (ttl * 1_000)
        expect(share).toBeGreaterThan(0.666)
        expect(share).toBeLessThan(0.734)
      }),
    )
  })

  it('rule 4: log in at 70 to 73 % when the token cannot be renewed', () => {
    const unrenewable = fc.constantFrom({ renewable: false }, { type: 'batch' }, { numUses: 3 })
    fc.assert(
      fc.property(ttlSeconds, sentAt, chance, unrenewable, (ttl, sentAtMs, random, more) => {
        const plan = planForLease(leaseOf(service(ttl, more), sentAtMs), () => random)
        expect(plan.action).toBe('login')
        const share = (plan.atMs - sentAtMs) / (ttl * 1_000)
        expect(share).toBeGreaterThan(0.699)
        expect(share).toBeLessThan(0.731)
      }),
    )
  })

  it('rule 4: log in next when the renewed TTL is under half of the previous', () => {
    const first = leaseOf(service(3_600), 0)
    expect(leaseOf(service(1_800), 10, first).kind).toBe('renewable')
    expect(leaseOf(service(1_799), 10, first).kind).toBe('fixed')
  })

  it('rule 9: give a lease of 0 s one second and no plan, and never renew a root token', () => {
    const zero = leaseOf(service(0), 5)
    expect(zero).toMatchObject({ kind: 'zero', ttlMs: 1_000 })
    expect(planForLease(zero, Math.random).action).toBe('rest')
    const root = leaseOf(service(0, { isRoot: true }), 5)
    expect(root.expiresAtMs).toBe(Number.POSITIVE_INFINITY)
    expect(planForLease(root, Math.random).action).toBe('rest')
  })

  it('rule 3: keep max(10 % of the TTL, min(5 s, TTL/3)) for a login', () => {
    const reserve = (seconds: number) => loginReserveMs(leaseOf(service(seconds), 0))
    expect(reserve(3_600)).toBe(360_000)
    expect(reserve(30)).toBe(5_000)
    expect(reserve(6)).toBe(2_000)
  })

  it('rule 3: back off with full jitter from 1 s to 60 s', () => {
    const last = (failures: number) => backoffMs(failures, 1_000, 60_000, () => 0.999_999)
    expect([1, 2, 3, 4, 5, 6, 7, 1_000].map((n) => Math.round(last(n)))).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
    ])
    expect(backoffMs(9, 1_000, 60_000, () => 0)).toBe(100)
  })

  it('rule 5: look a token up at most once in 30 s', () => {
    expect(lookAtMs(undefined, 7)).toBe(7)
    expect(lookAtMs(1_000, 2_000)).toBe(31_000)
    expect(lookAtMs(1_000, 90_000)).toBe(90_000)
  })

  it('rule 8: jitter the first retry of a login within a second, and spread the later ones over 5 s at least', () => {
    const retry = (failures: number, lastTtlMs?: number) => {
      const event = {
        failure: 'unavailable',
        retryAfterMs: undefined,
        failures,
        roleRefusals: 0,
        nowMs: 0,
      } as const
      return planAfterLoginFailure({ ...event, lease: undefined, lastTtlMs }, () => 0.9).atMs
    }
    expect(retry(1)).toBe(900)
    expect(retry(2)).toBe(4_500)
    expect(retry(2, 3_600_000)).toBe(162_000)
    // 5 % of 32 days would be 38 h without a token.
    expect(retry(2, 768 * 3_600_000)).toBe(270_000)
    expect(retry(50)).toBe(54_000)
    // Retry-After comes on top, or everybody would come back together.
    const limited = { failure: 'rate-limited', retryAfterMs: 10_000, failures: 1, roleRefusals: 0 } as const
    expect(planAfterLoginFailure({ ...limited, lease: undefined, nowMs: 0 }, () => 0.9).atMs).toBe(10_900)
  })

  it('do the most urgent thing first, and log in instead of renewing a token that has ended', () => {
    const session = advance(
      startSession(0),
      { type: 'login-succeeded', lease: leaseOf(service(60), 0), jwt: { fingerprint: 'a', who: undefined } },
      { nowMs: 0, random: () => 0 },
    )
    const agenda = { session, lookAtMs: Number.POSITIVE_INFINITY, pollAtMs: 0, isUsable: true }
    expect(dueTask(agenda, 39_999)).toBeUndefined()
    expect(nextDueAtMs(agenda)).toBe(40_000)
    expect(dueTask(agenda, 40_000)).toBe('renew')
    expect(dueTask({ ...agenda, isUsable: false }, 40_000)).toBe('login')
    expect(dueTask({ ...agenda, lookAtMs: 40_000 }, 40_000)).toBe('look')
    expect(isLoginOnDemand(session, 999)).toBe(false)
    expect(isLoginOnDemand(session, 1_000)).toBe(true)
  })

  it('rule 8: spread logins after an outage over max(5 s, 5 % of the TTL)', () => {
    expect(outageSpreadMs(undefined)).toBe(5_000)
    expect(outageSpreadMs(leaseOf(service(60), 0))).toBe(5_000)
    expect(outageSpreadMs(leaseOf(service(3_600), 0))).toBe(180_000)
  })
})

describe('the spread of logins after an outage', () => {
  const option = fc.option(fc.integer({ min: 5_000, max: 86_400_000 }), { nil: undefined })
  const away = fc.double({ min: 0, max: 1e9, noNaN: true })
  const lastLease = fc.option(
    ttlSeconds.map((ttl) => leaseOf(service(ttl), 0)),
    { nil: undefined },
  )
  /** What rule 8 says, of a pod that has no token. */
  const rule = (lease: Lease | undefined) => Math.min(300_000, outageSpreadMs(lease))

  it('rule 8: is max(5 s, 5 % of the TTL), up to 5 min without a token, however long Vault was away', () => {
    fc.assert(
      fc.property(lastLease, away, (lease, awayForMs) => {
        const spread = { lease, loginSpreadMs: undefined }
        expect(retrySpreadMs(spread, awayForMs, 0)).toBe(rule(lease))
        expect(lossSpreadMs(spread)).toBe(rule(lease))
      }),
    )
  })

  it('rule 8: is never more than the option, nor than twice as long as Vault was away, or the rule says', () => {
    fc.assert(
      fc.property(lastLease, option, away, (lease, loginSpreadMs, awayForMs) => {
        const spreadMs = retrySpreadMs({ lease, loginSpreadMs }, awayForMs, 0)
        expect(spreadMs).toBeLessThanOrEqual(loginSpreadMs ?? Number.POSITIVE_INFINITY)
        expect(spreadMs).toBeLessThanOrEqual(Math.max(rule(lease), 2 * awayForMs))
        expect(spreadMs).toBeGreaterThanOrEqual(Math.min(rule(lease), loginSpreadMs ?? rule(lease)))
      }),
    )
  })

  it('rule 8: is the option once Vault was away for as long, and whenever it has lost the tokens', () => {
    fc.assert(
      fc.property(lastLease, fc.integer({ min: 5_000, max: 86_400_000 }), (lease, loginSpreadMs) => {
        expect(retrySpreadMs({ lease, loginSpreadMs }, loginSpreadMs, 0)).toBe(loginSpreadMs)
        const login = { wasAway: true, isDead: true, lease, loginSpreadMs, nowMs: 0 }
        expect(planLogin(login, () => 0.5).atMs).toBe(loginSpreadMs / 2)
      }),
    )
  })

  it('leaves a token that still lives half of its time, or what the rule says', () => {
    fc.assert(
      fc.property(ttlSeconds, option, away, chance, (ttl, loginSpreadMs, awayForMs, share) => {
        const lease = leaseOf(service(ttl), 0)
        const leftMs = lease.ttlMs * (1 - share)
        const spreadMs = retrySpreadMs({ lease, loginSpreadMs }, awayForMs, leftMs)
        expect(spreadMs).toBeLessThanOrEqual(Math.max(rule(lease), leftMs / 2))
        const login = { wasAway: true, lease, loginSpreadMs, nowMs: lease.ttlMs - leftMs }
        expect(planLogin(login, () => 0.999).atMs).toBeLessThan(lease.expiresAtMs)
      }),
    )
  })

  it('gives every pod a place in it, which it keeps while the spread is the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 86_400_000 }), chance, (spreadMs, random) => {
        expect(waitInSpreadMs(spreadMs, undefined, () => random)).toBe(spreadMs * random)
        expect(waitInSpreadMs(spreadMs, spreadMs + 1, () => random)).toBe(spreadMs * random)
        const next = waitInSpreadMs(spreadMs, spreadMs, () => random)
        expect(next).toBeGreaterThanOrEqual(spreadMs * 0.9 - 1e-6)
        expect(next).toBeLessThanOrEqual(spreadMs)
      }),
    )
  })

  it('rule 8: is a bound: no failed login is repeated later than that, unless Vault says so', () => {
    const failures = fc.array(fc.tuple(fc.constantFrom('unavailable', 'sealed'), chance), { maxLength: 40 })
    fc.assert(
      fc.property(ttlSeconds, option, fc.boolean(), failures, (ttl, loginSpreadMs, isDead, row) => {
        let session = startSession(0)
        const tell = (happened: SessionEvent, random = 0.5) => {
          const nowMs = session.plan.atMs
          session = advance(session, happened, { nowMs, random: () => random, loginSpreadMs })
          return session.plan.atMs - nowMs
        }
        const lease = leaseOf(service(ttl), 0)
        tell({ type: 'login-succeeded', lease, jwt: { fingerprint: 'a', who: undefined } })
        if (isDead) tell({ type: 'token-dead', certain: true })
        // A wait is a difference of two large times: a millionth of a millisecond may come on top.
        const boundMs = 1e-6 + (loginSpreadMs ?? Math.max(60_000, rule(lease)))
        for (const [failure, random] of row as Array<['sealed', number]>) {
          expect(tell({ type: 'login-failed', failure }, random)).toBeLessThanOrEqual(boundMs)
        }
      }),
    )
  })

  it('rule 8: follows the TTL of a token that is dead, when the logins after it fail', () => {
    const granted: SessionEvent = {
      type: 'login-succeeded',
      lease: leaseOf(service(3_600), 0),
      jwt: { fingerprint: 'a', who: undefined },
    }
    const failed: SessionEvent = { type: 'login-failed', failure: 'unavailable' }
    const now = { nowMs: 600_000, random: () => 0.9 }
    const dead = [granted, { type: 'token-dead', certain: true } as const, failed].reduce<Session>(
      (session, happened) => advance(session, happened, now),
      startSession(0),
    )
    expect(dead.lease).toBeUndefined()
    expect(advance(dead, failed, now).plan.atMs - now.nowMs).toBe(0.9 * 180_000)
  })
})

describe('a refusal of a token that comes after its lease', () => {
  const REFUSAL: SessionEvent = { type: 'token-dead', certain: true }
  /** A session whose lease of 60 s ended during failed logins, and `now` for what happens to it at 100 s. */
  function afterLease(...failures: Array<Partial<Extract<SessionEvent, { type: 'login-failed' }>>>) {
    const events: SessionEvent[] = [
      { type: 'login-succeeded', lease: leaseOf(service(60), 0), jwt: { fingerprint: 'a', who: undefined } },
      ...failures.map((more) => ({
        type: 'login-failed' as const,
        failure: 'unavailable' as const,
        ...more,
      })),
    ]
    return events.reduce((session, happened) => advance(session, happened, now), startSession(0))
  }
  const now = { nowMs: 100_000, random: () => 0.9 }
  const AWAY = { failure: 'unavailable' } as const

  it.each(['unavailable', 'sealed'] as const)('rule 5: makes a login due that was put off: %s', (failure) => {
    const session = afterLease(AWAY, { failure })
    expect(session.plan.atMs).toBeGreaterThan(now.nowMs)
    expect(advance(session, REFUSAL, now).plan).toMatchObject({ action: 'login', atMs: now.nowMs })
  })

  it('rule 5: does so once for each token', () => {
    const hastened = advance(afterLease(AWAY, AWAY), REFUSAL, now)
    const failed = advance(hastened, { type: 'login-failed', failure: 'unavailable' }, now)
    expect(failed.plan.atMs).toBeGreaterThan(now.nowMs)
    expect(advance(failed, REFUSAL, now)).toEqual(failed)
  })

  it('rule 5: repeats a login that is under way, was sent before it, and fails', () => {
    const underWay = { ...now, nowMs: afterLease(AWAY, AWAY).plan.atMs }
    const noted = advance(afterLease(AWAY, AWAY), REFUSAL, underWay)
    const again = advance(noted, { type: 'login-failed', failure: 'unavailable' }, underWay)
    expect(again.plan).toMatchObject({ action: 'login', atMs: underWay.nowMs })
    const refused = advance(noted, { type: 'login-failed', failure: 'denied' }, underWay)
    expect(refused.plan.atMs).toBeGreaterThan(underWay.nowMs)
  })

  it.each([
    ['Vault limits the rate', { failure: 'rate-limited' }],
    ['Vault says itself when to come back', { failure: 'unavailable', retryAfterMs: 30_000 }],
    ['Vault denies', { failure: 'denied' }],
    ['another JWT is awaited', { failure: 'jwt-refused', jwt: 'a' }],
    ['there is no JWT', { failure: 'jwt-unavailable' }],
    ['a second factor is wanted', { failure: 'mfa' }],
  ] as const)('rule 5: changes nothing when %s', (_why, failure) => {
    const session = afterLease(AWAY, failure)
    expect(advance(session, REFUSAL, now)).toEqual(session)
  })
})

describe('a session, whatever happens to it', () => {
  const jwt = fc.constantFrom('aaa', 'bbb', 'ccc')
  const event: fc.Arbitrary<SessionEvent> = fc.oneof(
    fc.record({
      type: fc.constant('login-succeeded' as const),
      lease: fc.constant(lease(60)),
      jwt: fc.constant({ fingerprint: 'ok', who: undefined }),
    }),
    fc.record({ type: fc.constant('login-failed' as const), failure: fc.constantFrom(...FAILURES), jwt }),
    fc.record({ type: fc.constant('renew-succeeded' as const), lease: fc.constant(lease(60)) }),
    fc.record({
      type: fc.constant('renew-failed' as const),
      failure: fc.constantFrom<FailureClass>('unavailable', 'sealed', 'rate-limited', 'denied', 'refused'),
      error: fc.constantFrom(undefined, 'role x does not exist during renewal'),
      retryAfterMs: fc.constantFrom(undefined, 7_000),
    }),
    fc.record({ type: fc.constant('token-dead' as const), certain: fc.boolean() }),
    fc.record({
      type: fc.constantFrom(
        'away-seen' as const,
        'jwt-unchanged' as const,
        'identity-changed' as const,
        'login-requested' as const,
      ),
    }),
  )

  it('has a plan that is no earlier than now, and no NaN', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(event, fc.integer({ min: 0, max: 100_000 }), chance)), (steps) => {
        let session = startSession(1_000)
        let nowMs = 1_000
        for (const [happened, laterMs, random] of steps) {
          nowMs += laterMs
          const before = session
          session = advance(session, fresh(happened, nowMs), { nowMs, random: () => random })
          if (session.plan === before.plan) continue
          expect(session.plan.atMs).toBeGreaterThanOrEqual(nowMs)
          expect(session.plan.atMs).not.toBeNaN()
        }
      }),
    )
  })

  it('never tries more than twice within 100 ms while everything fails', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...FAILURES), { minLength: 3, maxLength: 60 }),
        chance,
        (failures, random) => {
          let session: Session = startSession(0)
          const attempts: number[] = []
          for (const [index, failure] of failures.entries()) {
            if (!Number.isFinite(session.plan.atMs)) break
            const nowMs = session.plan.atMs
            attempts.push(nowMs)
            session = advance(
              session,
              { type: 'login-failed', failure, jwt: `jwt-${index}` },
              { nowMs, random: () => random },
            )
          }
          for (let i = 2; i < attempts.length; i++) {
            expect((attempts[i] as number) - (attempts[i - 2] as number)).toBeGreaterThanOrEqual(99.9)
          }
        },
      ),
    )
  })

  function lease(seconds: number): Lease {
    return leaseOf(service(seconds), 0)
  }
  function fresh(happened: SessionEvent, nowMs: number): SessionEvent {
    return 'lease' in happened ? { ...happened, lease: leaseOf(service(60), nowMs) } : happened
  }
})

describe('what is said by others', () => {
  it('rule 5: tells a dead token from an ambiguous 403 and from one about something else', () => {
    expect(judgeForbidden(['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n'])).toBe('dead')
    expect(judgeForbidden(['1 error occurred:\n\t* permission denied\n\n'])).toBe('ambiguous')
    expect(judgeForbidden(['permission denied'])).toBe('ambiguous')
    expect(judgeForbidden(['namespace quota exceeded'])).toBe('unrelated')
  })

  it('is shown without anything that looks like a token, in one line, bounded', () => {
    const jwt = `eyJhbGciOiJSUzI1NiJ9.${'a'.repeat(300)}.sig`
    const said = redact(
      `bad ${jwt}\n\u0007 hvs.CAESIabcdefgh s.1234567890abcdefghijklmn and mysecret ${'x '.repeat(400)}`,
      ['mysecret'],
    )
    expect(said).not.toMatch(/eyJ|hvs|s\.123|mysecret|\n|\u0007/)
    expect(said.length).toBeLessThanOrEqual(301)
    expect(redact('service account name not authorized')).toBe('service account name not authorized')
    expect(redact('role "app" could not be found')).toBe('role "app" could not be found')
  })
})
