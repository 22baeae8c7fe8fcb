import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { overdueAtMs, rotationDueAtMs, type TokenTimes } from '../src/index.js'
import { nextReadDelayMs, type ScheduleInput } from '../src/read-schedule.js'

const SECOND = 1_000
const HOUR = 3_600_000
const TEN_YEARS_S = 10 * 365 * 24 * 3600
const MAX_TIMER_MS = 2 ** 31 - 1

const schedule = (input: Partial<ScheduleInput> & { nowMs: number }) =>
  nextReadDelayMs({
    times: undefined,
    reloadIntervalMs: 300_000,
    failures: 0,
    failureCode: undefined,
    ...input,
  })

const lifeOf = (lifeMs: number, warnAfterMs?: number): TokenTimes => ({
  issuedAtMs: 0,
  expiresAtMs: lifeMs,
  warnAfterMs,
})

describe('when the kubelet rotates', () => {
  it('at 80 % of the life', () => {
    expect(rotationDueAtMs(lifeOf(7_200 * SECOND))).toBe(5_760 * SECOND)
  })

  it('at 24 h, when that is sooner', () => {
    expect(rotationDueAtMs(lifeOf(48 * HOUR))).toBe(24 * HOUR)
  })

  it('scenario 17: by warnafter, when exp lies a year ahead', () => {
    expect(rotationDueAtMs(lifeOf(365 * 24 * HOUR, 3_607 * SECOND))).toBeCloseTo(0.8 * 3_607 * SECOND)
  })

  it('never, that one could know, without an expiry', () => {
    expect(rotationDueAtMs({ issuedAtMs: 0, expiresAtMs: undefined })).toBeUndefined()
    expect(overdueAtMs({ issuedAtMs: 0, expiresAtMs: undefined })).toBeUndefined()
  })

  it('is late one slow pod sync after that, and always before expiry', () => {
    expect(overdueAtMs(lifeOf(600 * SECOND))).toBe(570 * SECOND)
    expect(overdueAtMs(lifeOf(7_200 * SECOND))).toBe(5_850 * SECOND)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: TEN_YEARS_S }), (lifeS) => {
        const times = lifeOf(lifeS * SECOND)
        const lateMs = overdueAtMs(times) as number
        expect(lateMs).toBeGreaterThan(rotationDueAtMs(times) as number)
        expect(lateMs).toBeLessThan(lifeS * SECOND)
      }),
    )
  })
})

describe('the cadence', () => {
  it('is the reload interval while nothing is due', () => {
    expect(schedule({ nowMs: 0, times: lifeOf(7_200 * SECOND) })).toBe(300_000)
    expect(schedule({ nowMs: 0, times: { issuedAtMs: 0, expiresAtMs: undefined } })).toBe(300_000)
  })

  it('is never negative, NaN, or longer than the reload interval, whatever the clock and the token say', () => {
    const time = fc.oneof(
      fc.integer({ min: -8.64e15, max: 8.64e15 }),
      fc.double({ noNaN: true, min: -8.64e15, max: 8.64e15 }),
    )
    fc.assert(
      fc.property(
        time,
        time,
        fc.option(time, { nil: undefined }),
        fc.option(time, { nil: undefined }),
        fc.integer({ min: 1_000, max: Number.MAX_SAFE_INTEGER }),
        fc.nat(),
        fc.constantFrom(undefined, 'ERR_TOKEN_EMPTY' as const, 'ERR_TOKEN_NOT_FOUND' as const),
        (nowMs, issuedAtMs, expiresAtMs, warnAfterMs, reloadIntervalMs, failures, failureCode) => {
          const times = { issuedAtMs, expiresAtMs, warnAfterMs }
          const delayMs = schedule({ nowMs, times, reloadIntervalMs, failures, failureCode })
          expect(delayMs).toBeGreaterThanOrEqual(0)
          // A sum of a time and an interval may be off by one in the last place of a double.
          expect(delayMs).toBeLessThanOrEqual(reloadIntervalMs + 4)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('by default fits a Node timer, so that nothing fires at once by overflow', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: TEN_YEARS_S }), fc.nat({ max: TEN_YEARS_S }), (lifeS, ageS) => {
        expect(schedule({ nowMs: ageS * SECOND, times: lifeOf(lifeS * SECOND) })).toBeLessThanOrEqual(
          MAX_TIMER_MS,
        )
      }),
    )
  })
})

describe('rule 4, with the watch dead', () => {
  /** Reads by the schedule from `firstReadMs` until one comes at or after `rotatedAtMs`; gives that one's time. */
  function findRotation(lifeMs: number, firstReadMs: number, rotatedAtMs: number, reloadIntervalMs: number) {
    let nowMs = firstReadMs
    let reads = 1
    while (nowMs < rotatedAtMs) {
      const delayMs = schedule({ nowMs, times: lifeOf(lifeMs), reloadIntervalMs })
      nowMs += Math.max(delayMs, 1)
      reads++
    }
    return { foundAtMs: nowMs, reads }
  }

  it('finds a rotation within 60 s and before the old token expires, for every life from 600 s to 10 years', () => {
    const life = fc.oneof(fc.integer({ min: 600, max: 100_000 }), fc.integer({ min: 600, max: TEN_YEARS_S }))
    fc.assert(
      fc.property(
        life,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: -10, max: 90, noNaN: true }),
        fc.integer({ min: 1_000, max: 3_600_000 }),
        (lifeS, loadedAt, delayS, reloadIntervalMs) => {
          const lifeMs = lifeS * SECOND
          const dueMs = rotationDueAtMs(lifeOf(lifeMs)) as number
          const rotatedAtMs = dueMs + delayS * SECOND
          // Start near enough to the rotation to keep the number of steps small.
          const firstReadMs = Math.max(0, loadedAt * rotatedAtMs, rotatedAtMs - 50 * reloadIntervalMs)
          const { foundAtMs } = findRotation(lifeMs, firstReadMs, rotatedAtMs, reloadIntervalMs)
          expect(foundAtMs - rotatedAtMs).toBeLessThanOrEqual(60 * SECOND)
          expect(foundAtMs).toBeLessThan(lifeMs)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('scenario 31: finds a last-moment rotation at age 570 of 600', () => {
    for (let firstReadS = 0; firstReadS < 570; firstReadS++) {
      const { foundAtMs } = findRotation(600 * SECOND, firstReadS * SECOND, 570 * SECOND, 300_000)
      expect(foundAtMs).toBeLessThan(595 * SECOND)
    }
  })

  it('reads once per reload interval at most while nothing is due, and at most once a second ever', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: TEN_YEARS_S }), fc.nat({ max: 1_000_000 }), (lifeS, part) => {
        const times = lifeOf(lifeS * SECOND)
        const nowMs = Math.floor((lifeS * SECOND * part) / 1_000_000)
        const delayMs = schedule({ nowMs, times })
        const dueMs = (rotationDueAtMs(times) as number) - 10_000
        if (nowMs + 300_000 <= dueMs) expect(delayMs).toBe(300_000)
        // Two extra reads a life: when the kubelet is late, and at the very end.
        const milestones = [overdueAtMs(times), times.expiresAtMs]
        if (!milestones.includes(nowMs + delayMs)) expect(delayMs).toBeGreaterThanOrEqual(SECOND)
      }),
    )
  })
})

describe('after a failure', () => {
  const inUse = lifeOf(24 * HOUR)

  it('reads are at least 1 s and at most 60 s apart, and back off while there is a valid token', () => {
    const delays = Array.from({ length: 40 }, (_, index) =>
      schedule({ nowMs: 0, times: inUse, failures: index + 1, failureCode: 'ERR_TOKEN_NOT_FOUND' }),
    )
    expect(delays.slice(0, 6)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000])
    expect(new Set(delays.slice(6))).toEqual(new Set([50_000]))
  })

  it('without a valid token the file is read every second, however often that has failed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.nat(), (failures, nowMs) => {
        expect(schedule({ nowMs, failures, failureCode: 'ERR_TOKEN_NOT_FOUND' })).toBe(SECOND)
      }),
    )
  })

  it('scenario 10: a file that may be in mid-write is read again in 20 to 100 ms, three times', () => {
    for (const failureCode of ['ERR_TOKEN_EMPTY', 'ERR_TOKEN_MALFORMED'] as const) {
      const delays = [1, 2, 3, 4, 5].map((failures) =>
        schedule({ nowMs: 0, times: inUse, failures, failureCode }),
      )
      expect(delays).toEqual([20, 50, 100, 1_000, 2_000])
    }
  })

  it('still looks before the token in use expires', () => {
    const delayMs = schedule({
      nowMs: 590_000,
      times: lifeOf(600_000),
      failures: 20,
      failureCode: 'ERR_TOKEN_UNREADABLE',
    })
    expect(delayMs).toBeLessThanOrEqual(2_500)
  })
})
