import { createFakeClock, requiresRefresh, rotationWindow, startFakeKubelet } from '@projected-token/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const TEN_YEARS_S = 10 * 365 * 86_400
const DAY_MS = 86_400_000
const expirationSeconds = fc.oneof(
  fc.integer({ min: 1, max: TEN_YEARS_S }),
  fc.integer({ min: 1, max: 100 }),
  fc.integer({ min: 86_000, max: 110_000 }),
)
const jitter = fc.integer({ min: 0, max: 9 })
const issuedAtMs = fc.integer({ min: 0, max: 4e9 }).map((seconds) => seconds * 1_000)

const statusOf = (issuedAtMs: number, expirationSeconds: number) => ({
  expirationTimestampMs: issuedAtMs + expirationSeconds * 1_000,
  expirationSeconds,
})

describe('the rule of rotation', () => {
  it("says what Kubernetes' requiresRefresh says, for every life from 1 s to 10 years", () => {
    const ageMs = fc.integer({ min: -DAY_MS, max: TEN_YEARS_S * 1_000 })
    fc.assert(
      fc.property(issuedAtMs, expirationSeconds, jitter, ageMs, (iat, ttl, jitter, age) => {
        const now = iat + age
        const exp = iat + ttl * 1_000
        // Written as the Go source is: two conditions, integer division.
        const expected =
          now > iat + (86_400 - jitter) * 1_000 ||
          now > exp - Math.trunc((ttl * 20) / 100) * 1_000 - jitter * 1_000
        expect(requiresRefresh(statusOf(iat, ttl), now, jitter)).toBe(expected)
      }),
      { numRuns: 2_000 },
    )
  })

  it('once due stays due, and more jitter is never later', () => {
    fc.assert(
      fc.property(expirationSeconds, jitter, fc.integer({ min: 0, max: 2 * DAY_MS }), (ttl, jitter, age) => {
        const status = statusOf(0, ttl)
        if (!requiresRefresh(status, age, jitter)) return
        expect(requiresRefresh(status, age + 1, jitter)).toBe(true)
        expect(requiresRefresh(status, age, Math.min(9, jitter + 1))).toBe(true)
      }),
    )
  })

  it('has its window around it: nothing is due before, everything is after', () => {
    fc.assert(
      fc.property(issuedAtMs, expirationSeconds, jitter, (iat, ttl, jitter) => {
        const status = statusOf(iat, ttl)
        const { earliestMs, latestMs } = rotationWindow(status)
        expect(requiresRefresh(status, earliestMs, jitter)).toBe(false)
        expect(requiresRefresh(status, earliestMs + 1, 9)).toBe(true)
        expect(requiresRefresh(status, latestMs - 90_000 + 1, jitter)).toBe(true)
      }),
    )
  })

  it('leaves a 600 s token 30 s of life at worst, and a 3,607 s one 631 s', () => {
    const worst = (ttl: number) => ttl - rotationWindow(statusOf(0, ttl)).latestMs / 1_000
    expect(worst(600)).toBe(30)
    expect(worst(3_607)).toBe(631)
    expect(rotationWindow(statusOf(0, 600)).earliestMs).toBe(471_000)
  })

  it('replaces every token of a real life within its window, whatever the jitter', async () => {
    const lives = fc.constantFrom(600, 1_000, 3_600, 3_607, 86_400, 200_000)
    await fc.assert(
      fc.asyncProperty(
        lives,
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1 }),
        async (ttl, rolls) => {
          const clock = createFakeClock()
          let roll = 0
          const random = () => rolls[roll++ % rolls.length] ?? 0
          // A slower pace for the long lives: the rule is the same.
          const syncPeriodMs = Math.max(60_000, ttl * 20)
          await using kubelet = await startFakeKubelet({
            clock,
            random,
            syncPeriodMs,
            expirationSeconds: ttl,
            serve: false,
            algorithm: 'ES256',
          })
          for (let rotation = 1; rotation <= 2; rotation++) {
            const { status } = kubelet.current
            if (!status) throw new Error('the token has no status')
            const { earliestMs, latestMs } = rotationWindow(status, syncPeriodMs)
            await clock.advance(Math.floor(earliestMs - clock.now()))
            expect(kubelet.rotations).toBe(rotation - 1)
            await clock.advance(latestMs - clock.now())
            expect(kubelet.rotations).toBe(rotation)
            expect(kubelet.writtenAtMs).toBeGreaterThanOrEqual(earliestMs)
            expect(kubelet.writtenAtMs).toBeLessThanOrEqual(latestMs)
          }
        },
      ),
      { numRuns: 12 },
    )
  })
})
