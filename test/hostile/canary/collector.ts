import { expect, onTestFinished } from 'vitest'
import { createDetector } from './detector.js'
import { readValue } from './readers.js'

/** Collects what is seen in a test, and judges it at its end. */
export function createCollector() {
  const detector = createDetector()
  const seen: { what: string; text: string }[] = []
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  onTestFinished(() => void process.off('warning', onWarning))
  return {
    detector,
    hide: detector.hide,
    /** A value of any kind, in every way that it can be printed. */
    value: (what: string, value: unknown) => void seen.push({ what, text: readValue(value) }),
    text: (what: string, text: string) => void seen.push({ what, text }),
    /** What a promise rejects with. */
    async rejection(what: string, promise: Promise<unknown>): Promise<void> {
      const error = await promise.then(
        () => expect.fail(`${what}: it did not fail`),
        (reason: unknown) => reason,
      )
      seen.push({ what, text: readValue(error) })
    },
    /** What a call throws. */
    thrown(what: string, call: () => unknown): void {
      try {
        call()
      } catch (error) {
        seen.push({ what, text: readValue(error) })
        return
      }
      expect.fail(`${what}: it did not fail`)
    },
    /** Every event of these names, with what its listeners get. */
    events<Emitter extends { on(name: never, listener: (event: unknown) => void): unknown }>(
      what: string,
      emitter: Emitter,
      names: readonly string[],
    ): void {
      for (const name of names) {
        emitter.on(name as never, (event) => seen.push({ what: `${what}: ${name}`, text: readValue(event) }))
      }
    },
    names: () => seen.map(({ what }) => what),
    /** Fails when one of them shows a secret. @returns how many there were */
    judge(): number {
      for (const warning of warnings) seen.push({ what: 'a process warning', text: readValue(warning) })
      expect(detector.count, 'secrets to look for').toBeGreaterThan(0)
      for (const { what, text } of seen) detector.expectNone(what, text)
      return seen.length
    },
  }
}
