import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffDelayMs } from '../src/backoff.js'
import { tokenPhase } from '../src/refresh-rule.js'

const PHASES = ['fresh', 'refresh', 'expired']

describe('the phase of a token', () => {
  it.each([
    [90_001, 'fresh'],
    [90_000, 'refresh'],
    [1, 'refresh'],
    [0, 'expired'],
    [-1, 'expired'],
  ])('%i ms before the expiry is %s', (leftMs, phase) => {
    expect(tokenPhase(1e12, 1e12 - leftMs)).toBe(phase)
  })

  it('never goes back as time passes', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.nat(), (expiresAtMs, nowMs, laterMs) => {
        const [now, later] = [nowMs, nowMs + laterMs].map((at) => PHASES.indexOf(tokenPhase(expiresAtMs, at)))
        expect(later).toBeGreaterThanOrEqual(now as number)
      }),
    )
  })

  it('is fresh without a known expiry', () => {
    fc.assert(fc.property(fc.integer(), (nowMs) => tokenPhase(undefined, nowMs) === 'fresh'))
  })
})

describe('the backoff', () => {
  it('stays within a fifth of 1.6 to the power of the failures, and of 120 s', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, random) => {
          const baseMs = Math.min(1_000 * 1.6 ** (failures - 1), 120_000)
          const delayMs = backoffDelayMs(failures, random)
          expect(delayMs).toBeGreaterThanOrEqual(baseMs * 0.8 - 1e-6)
          expect(delayMs).toBeLessThanOrEqual(baseMs * 1.2 + 1e-6)
        },
      ),
    )
  })
})
