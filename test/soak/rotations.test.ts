import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFakeClock, FAKE_CLOCK_START_MS } from '@projected-token/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBareClock } from './rotations/bare-clock.mjs'
import { rotateOnClock } from './rotations/on-clock.mjs'
import { rotateOnFiles } from './rotations/on-files.mjs'
import { createRandom } from './support/random.mjs'

/** The small form of `npm run test:time`; that one measures memory and handles, too. */
const TIMEOUT_MS = 300_000

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rotations-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

const onClock = (clock: Parameters<typeof rotateOnClock>[0]['clock'], rotations: number) =>
  rotateOnClock({
    ...{ directory, rotations, clock },
    random: createRandom(1),
    sampleEvery: rotations,
    // The next read, and the look for a sleep.
    onSample: (_done, { pendingTimers }) => expect(pendingTimers).toBe(2),
  })

describe('many rotations', () => {
  it(
    'are each found within 60 s and served on the fake clock, every read at its planned time',
    async () => {
      const result = await onClock(createFakeClock(), 100)

      expect(result.rotations).toBe(100)
      expect(result.maxFoundMs).toBeLessThanOrEqual(60_000)
      expect(result.maxGapMs).toBeLessThanOrEqual(300_000)
      expect(result.maxDriftMs).toBeLessThanOrEqual(1)
    },
    TIMEOUT_MS,
  )

  it(
    'cause the same reads on a clock that only fires',
    async () => {
      const result = await onClock(createBareClock(FAKE_CLOCK_START_MS), 100)

      expect(result).toEqual(await onClock(createFakeClock(), 100))
    },
    TIMEOUT_MS,
  )

  it(
    'are each found and served on real files, and no watch is renewed',
    async () => {
      const result = await rotateOnFiles({
        ...{ directory, rotations: 500, sampleEvery: 100 },
        onSample: () => {},
      })

      expect(result).toMatchObject({ rotations: 500, degraded: 0 })
    },
    TIMEOUT_MS,
  )
})
