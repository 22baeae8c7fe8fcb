import type { Clock } from '@projected-token/core'
import { createLog, type LogLevel, parseConfig, type Sidecar, startSidecar } from '@projected-token/sidecar'
import { onTestFinished } from 'vitest'

/** A sidecar that runs in the test's own process. */
export interface RunningSidecar extends Sidecar {
  /** Log lines so far, as text. */
  readonly lines: readonly string[]
}

/** Starts a sidecar from YAML; it ends with the test. */
export async function startFromYaml(
  yaml: string,
  { clock, level = 'trace' }: { clock?: Clock; level?: LogLevel } = {},
): Promise<RunningSidecar> {
  const lines: string[] = []
  const log = createLog({ level, write: (line) => void lines.push(line) })
  const sidecar = await startSidecar(parseConfig(yaml, 'test.yaml'), { clock, log })
  onTestFinished(async () => void (await sidecar.close()))
  return { ...sidecar, lines }
}
