import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFakeClock, FAKE_CLOCK_START_MS, type FakeClock } from '@projected-token/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** A real file to read, as the code under test does. */
async function withFile(use: (path: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'fake-clock-'))
  const path = join(directory, 'file')
  await writeFile(path, 'content')
  await use(path).finally(() => rm(directory, { recursive: true }))
}

const sleep = (clock: FakeClock, ms: number) =>
  new Promise<void>((resolve) => void clock.setTimer(resolve, ms))

describe('a fake clock', () => {
  it('starts at 2026-01-01T00:00:00Z, or where it is told to', () => {
    expect(new Date(createFakeClock().now()).toISOString()).toBe('2026-01-01T00:00:00.000Z')
    expect(createFakeClock().now()).toBe(FAKE_CLOCK_START_MS)
    expect(createFakeClock({ nowMs: 5 }).now()).toBe(5)
  })

  it('stands still until it is moved', async () => {
    const clock = createFakeClock()
    const [wall, monotonic] = [clock.now(), clock.monotonicNow()]
    await new Promise((resolve) => setImmediate(resolve))
    expect([clock.now(), clock.monotonicNow()]).toEqual([wall, monotonic])
  })

  it('moves both clocks by what it is advanced', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 1e10 }), { maxLength: 5 }), async (spans) => {
        const clock = createFakeClock()
        const start = clock.monotonicNow()
        for (const span of spans) await clock.advance(span)
        const total = spans.reduce((sum, span) => sum + span, 0)
        expect(clock.now() - FAKE_CLOCK_START_MS).toBe(total)
        expect(clock.monotonicNow() - start).toBe(total)
      }),
      { numRuns: 30 },
    )
  })

  it('fires exactly what is due, in the order of time, first set first among equals, each at its moment', async () => {
    const delays = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(delays, fc.integer({ min: 0, max: 25 }), async (delays, span) => {
        const clock = createFakeClock()
        const start = clock.monotonicNow()
        const fired: Array<[number, number]> = []
        delays.forEach((delay, i) => {
          clock.setTimer(() => {
            expect(clock.monotonicNow()).toBe(start + delay)
            expect(clock.now()).toBe(FAKE_CLOCK_START_MS + delay)
            fired.push([delay, i])
          }, delay)
        })
        await clock.advance(span)
        const due = delays.map((delay, i): [number, number] => [delay, i]).filter(([delay]) => delay <= span)
        expect(fired).toEqual(due.sort(([a, i], [b, j]) => a - b || i - j))
        expect(clock.pendingTimers).toBe(delays.length - due.length)
      }),
      { numRuns: 100 },
    )
  })

  it('gives the same moments whether time passes in one span or in many', async () => {
    const spans = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 6 })
    const period = fc.integer({ min: 1, max: 20 })
    await fc.assert(
      fc.asyncProperty(spans, period, async (spans, period) => {
        const moments = async (spans: number[]) => {
          const clock = createFakeClock()
          const seen: number[] = []
          const tick = () => {
            seen.push(clock.now())
            clock.setTimer(tick, period)
          }
          clock.setTimer(tick, period)
          for (const span of spans) await clock.advance(span)
          return seen
        }
        expect(await moments(spans)).toEqual(await moments([spans.reduce((a, b) => a + b)]))
      }),
      { numRuns: 30 },
    )
  })

  it('fires timers that a callback, its continuation, or the continuation of a sleeper sets within the span', async () => {
    const clock = createFakeClock()
    const start = clock.now()
    const fired: string[] = []
    clock.setTimer(() => clock.setTimer(() => fired.push(`by a callback ${clock.now() - start}`), 5), 5)
    clock.setTimer(async () => {
      await null
      await null
      clock.setTimer(() => fired.push(`by its continuation ${clock.now() - start}`), 15)
    }, 5)
    const sleeper = (async () => {
      await sleep(clock, 30)
      await sleep(clock, 30)
      fired.push(`by a sleeper ${clock.now() - start}`)
    })()
    await clock.advance(100)
    await sleeper
    expect(fired).toEqual(['by a callback 10', 'by its continuation 20', 'by a sleeper 60'])
  })

  it('waits for what a callback returns before time goes on: real file reads', async () => {
    await withFile(async (path) => {
      const clock = createFakeClock()
      const seen: string[] = []
      clock.setTimer(async () => seen.push(`${await readFile(path, 'utf8')} at ${clock.now()}`), 10)
      clock.setTimer(() => seen.push(`next at ${clock.now()}`), 11)
      await clock.advance(1_000)
      expect(seen).toEqual([`content at ${FAKE_CLOCK_START_MS + 10}`, `next at ${FAKE_CLOCK_START_MS + 11}`])
    })
  })

  it('waits for file operations under way that no callback returned', async () => {
    await withFile(async (path) => {
      const clock = createFakeClock()
      const reads: number[] = []
      const readAndSleep = async () => {
        const file = await open(path)
        await file.read(Buffer.alloc(10))
        await file.close()
        reads.push(clock.now() - FAKE_CLOCK_START_MS)
        clock.setTimer(() => void readAndSleep(), 100)
      }
      void readAndSleep()
      await clock.advance(1_000)
      expect(reads).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000])
    })
  })

  it('waits for an answer over a socket that a callback returns', async () => {
    const server = createServer((_, response) => setTimeout(() => response.end('answer'), 30))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const clock = createFakeClock()
    const seen: string[] = []
    clock.setTimer(async () => {
      const abandon = clock.setTimer(() => seen.push('timed out'), 5_000)
      seen.push(await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text())
      abandon()
    }, 10)
    await clock.advance(60_000)
    server.closeAllConnections()
    server.close()
    expect(seen).toEqual(['answer'])
  })

  it('does not hang on a callback that waits for a later timer', async () => {
    const clock = createFakeClock()
    const seen: number[] = []
    clock.setTimer(async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(clock, 50)
        seen.push(clock.now() - FAKE_CLOCK_START_MS)
      }
    }, 10)
    await clock.advance(70)
    expect(seen).toEqual([60])
    await clock.advance(1_000)
    expect(seen).toEqual([60, 110, 160])
  })

  it('rejects with the error of a callback, after all the time has passed', async () => {
    const clock = createFakeClock()
    let later = false
    clock.setTimer(() => {
      throw new Error('thrown')
    }, 10)
    clock.setTimer(() => {
      later = true
    }, 20)
    await expect(clock.advance(100)).rejects.toThrow('thrown')
    expect(later).toBe(true)
    expect(clock.now()).toBe(FAKE_CLOCK_START_MS + 100)
    await clock.advance(1)
  })

  it('loses no error when several callbacks fail, or one rejects with undefined', async () => {
    const clock = createFakeClock()
    for (const reason of ['a', 'b']) clock.setTimer(() => Promise.reject(new Error(reason)), 1)
    const error = await clock.advance(1).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(AggregateError)
    expect((error as AggregateError).errors.map((e: Error) => e.message)).toEqual(['a', 'b'])
    clock.setTimer(() => Promise.reject(), 1)
    expect(
      await clock.advance(1).then(
        () => 'resolved',
        (e) => `rejected: ${e}`,
      ),
    ).toBe('rejected: undefined')
  })

  it('gives the error of a callback that ends only later to the advance in which it ends', async () => {
    const clock = createFakeClock()
    clock.setTimer(async () => {
      await sleep(clock, 50)
      throw new Error('late')
    }, 10)
    await clock.advance(20)
    await expect(clock.advance(50)).rejects.toThrow('late')
  })

  it('runs concurrent advances one after the other', async () => {
    const clock = createFakeClock()
    const seen: number[] = []
    for (const delay of [5, 15, 25])
      clock.setTimer(async () => seen.push(clock.now() - FAKE_CLOCK_START_MS), delay)
    await Promise.all([clock.advance(10), clock.advance(10), clock.advance(10)])
    expect(seen).toEqual([5, 15, 25])
    expect(clock.now()).toBe(FAKE_CLOCK_START_MS + 30)
  })

  it('refuses an advance from within a callback that it is waiting for, instead of hanging', async () => {
    const clock = createFakeClock()
    clock.setTimer(() => clock.advance(1), 1)
    await expect(clock.advance(10)).rejects.toThrow(/from within a timer/)
    await clock.advance(1)
  })

  it('cancels a timer, and ignores a cancellation that comes again or too late', async () => {
    const clock = createFakeClock()
    let fired = 0
    const cancelled = clock.setTimer(() => fired++, 10)
    const late = clock.setTimer(() => fired++, 10)
    clock.setTimer(() => cancelled(), 5)
    await clock.advance(20)
    expect(fired).toBe(1)
    cancelled()
    late()
    expect(clock.pendingTimers).toBe(0)
  })

  it('lets the wall clock jump without firing or moving timers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -1e12, max: 1e12 }), async (jump) => {
        const clock = createFakeClock()
        const monotonic = clock.monotonicNow()
        let fired = 0
        clock.setTimer(() => fired++, 100)
        clock.step(jump)
        expect(clock.now()).toBe(FAKE_CLOCK_START_MS + jump)
        expect(clock.monotonicNow()).toBe(monotonic)
        await clock.advance(99)
        expect(fired).toBe(0)
        clock.setNow(jump)
        await clock.advance(1)
        expect(fired).toBe(1)
        expect(clock.now()).toBe(jump + 1)
      }),
      { numRuns: 30 },
    )
  })

  it('sleeps like a laptop: the wall clock goes on, the monotonic one and the timers do not', async () => {
    const clock = createFakeClock()
    const monotonic = clock.monotonicNow()
    let fired = 0
    clock.setTimer(() => fired++, 1_000)
    clock.suspend(3_600_000)
    expect(clock.now()).toBe(FAKE_CLOCK_START_MS + 3_600_000)
    expect(clock.monotonicNow()).toBe(monotonic)
    await clock.advance(999)
    expect(fired).toBe(0)
    await clock.advance(1)
    expect(fired).toBe(1)
  })

  it('is stopped like a process: timers that fell due fire late, in order, at the next advance', async () => {
    const clock = createFakeClock()
    const seen: string[] = []
    for (const delay of [2_000, 1_000, 9_000]) {
      clock.setTimer(() => seen.push(`${delay} at ${clock.now() - FAKE_CLOCK_START_MS}`), delay)
    }
    clock.suspend(5_000, { monotonic: true })
    expect(seen).toEqual([])
    await clock.advance(0)
    expect(seen).toEqual(['1000 at 5000', '2000 at 5000'])
    await clock.advance(4_000)
    expect(seen.at(-1)).toBe('9000 at 9000')
  })

  it('takes delays that no real timer can, and never fires one that is infinite', async () => {
    const clock = createFakeClock()
    let fired = 0
    clock.setTimer(() => fired++, 2 ** 40)
    clock.setTimer(() => fired++, Number.POSITIVE_INFINITY)
    await clock.advance(2 ** 40)
    expect(fired).toBe(1)
    expect(clock.pendingTimers).toBe(1)
  })

  it('ends a loop without a delay with an error', async () => {
    const clock = createFakeClock()
    const loop = () => void clock.setTimer(loop, 0)
    loop()
    await expect(clock.advance(1)).rejects.toThrow(/without a delay/)
  })

  it('throws for arguments that are no times', () => {
    const clock = createFakeClock()
    // @ts-expect-error: no such option
    expect(() => createFakeClock({ now: 1 })).toThrow(/no option 'now'.*'nowMs'/)
    // @ts-expect-error: no number
    expect(() => createFakeClock({ nowMs: '5' })).toThrow("'nowMs' must be a number of milliseconds")
    expect(() => createFakeClock({ nowMs: Number.NaN })).toThrow(RangeError)
    expect(() => clock.advance(-1)).toThrow(RangeError)
    expect(() => clock.advance(Number.POSITIVE_INFINITY)).toThrow(RangeError)
    expect(() => clock.suspend(-1)).toThrow(RangeError)
    expect(() => clock.suspend(1, { monotonic: 'no' as never })).toThrow(TypeError)
    expect(() => clock.setNow(Number.NaN)).toThrow(RangeError)
    expect(() => clock.setTimer(() => {}, Number.NaN)).toThrow(RangeError)
    // @ts-expect-error: no function
    expect(() => clock.setTimer('callback', 1)).toThrow(TypeError)
  })
})
