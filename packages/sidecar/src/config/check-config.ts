import { buildConfig, type CheckedConfig } from './build-config.js'
import { checkShape } from './check-shape.js'
import { checkAcross } from './cross-checks.js'
import type { ConfigProblem } from './problem.js'
import type { RawConfig } from './raw-config.js'
import type { SidecarConfig } from './sidecar-config.js'

/** Somebody who has so many has another kind of file. */
const MAX_PROBLEMS = 50

/** A configuration, or all that is wrong with it. */
export type ConfigResult =
  | { readonly config: SidecarConfig }
  | { readonly problems: readonly ConfigProblem[] }

/**
 * Checks a configuration and completes it.
 *
 * @param configFile where it was read, if it was: nothing may be written there
 */
export function checkConfig(raw: RawConfig, configFile?: string): ConfigResult {
  const problems = [...checkShape(raw), ...checkAcross(raw, configFile)]
  if (problems.length > 0) return { problems: problems.slice(0, MAX_PROBLEMS) }
  return { config: buildConfig(raw.value as CheckedConfig) }
}
