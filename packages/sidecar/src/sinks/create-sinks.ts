import { resolve } from 'node:path'
import type { Source } from '../source.js'
import { createSink, type Sink, type SinksOptions } from './sink.js'
import type { SinkSpec } from './sink-spec.js'

/** The files that hold tokens. */
export interface Sinks {
  /**
   * Writes what tokens there are, and follows them from now on. Waits for no token, and never rejects: a file that
   * cannot be written is told and tried again. Fulfils when the first attempts with tokens at hand have ended.
   *
   * @throws at once, TypeError or RangeError for what no sink can be made of; then none is left running
   */
  start(): Promise<void>
  /**
   * Ends writes and hooks; the files stay, because their readers may outlive this process. Fulfils when the write
   * under way has ended, and the command under way has, within its grace.
   */
  close(): Promise<void>
}

/** @throws TypeError or RangeError when a spec names no source, or two name one file */
export function createSinks(
  specs: readonly SinkSpec[],
  sources: readonly Source[],
  options: SinksOptions,
): Sinks {
  const plans = specs.map((spec) => ({ spec, source: sourceOf(spec, sources) }))
  const paths = specs.map(({ path }) => resolve(path))
  const twice = paths.find((path, index) => paths.indexOf(path) !== index)
  if (twice !== undefined) throw new RangeError(`Two sinks write '${twice}'. Give each a path of its own.`)
  const sinks: Sink[] = []
  return {
    start() {
      try {
        for (const { spec, source } of plans) sinks.push(createSink(spec, source, options))
      } catch (error) {
        for (const sink of sinks) void sink.close()
        throw error
      }
      return Promise.all(sinks.map((sink) => sink.update())).then(() => {})
    },
    async close() {
      await Promise.all(sinks.map((sink) => sink.close()))
    },
  }
}

function sourceOf({ source: { kind, name }, path }: SinkSpec, sources: readonly Source[]): Source {
  const source = sources.find((one) => one.kind === kind && one.name === name)
  if (source) return source
  throw new RangeError(`The sink '${path}' names the ${kind} token '${name}', which there is not`)
}
