import { DEFAULTS } from '../config/defaults.js'
import { ConfigError, type ConfigProblem } from '../config/problem.js'
import { mergeRaw, type ReadResult } from '../config/raw-config.js'
import type { SidecarConfig } from '../config/sidecar-config.js'
import { readSmallFile } from '../files.js'
import { type Flags, flagOf, readVariables, variableOf } from './create-command.js'
import { readFlags, withImpliedTokens } from './read-flags.js'

/** Where configuration comes from. */
export interface ConfigInput {
  readonly flags: Flags
  readonly env: Readonly<Record<string, string | undefined>>
  /** What is wrong with the command line itself. */
  readonly usage?: ConfigProblem | undefined
}

/**
 * Reads flags, variables and file, in this order of precedence.
 *
 * @throws ConfigError with all that is wrong
 */
export async function loadConfig({ flags, env, usage }: ConfigInput): Promise<SidecarConfig> {
  const variables = readVariables(env)
  const path = flags.config ?? variables.config
  const byFlag = readFlags(flags, flagOf)
  const byVariable = readFlags(variables, variableOf)
  const origin = flags.config === undefined ? variableOf('config') : flagOf('config')
  const file: ReadResult | undefined = path === undefined ? undefined : await readFile(path, origin)
  const byFile = file && 'raw' in file ? [file.raw] : []
  const all = mergeRaw([byFlag.raw, byVariable.raw, ...byFile])
  const problems = [
    ...(usage ? [usage] : []),
    ...byFlag.problems,
    ...byVariable.problems,
    ...(file && 'problems' in file ? file.problems : []),
  ]
  if (problems.length > 0) {
    // What is missing might have named what the rest refers to: only each value for itself can be judged.
    const { checkShape } = await import('../config/check-shape.js')
    throw new ConfigError([...problems, ...checkShape(all)])
  }
  // Whoever writes a file can name its tokens.
  const named = [byFlag.raw, byVariable.raw].map((raw) => withImpliedTokens(raw, all, DEFAULTS.tokenName))
  const { checkConfig } = await import('../config/check-config.js')
  const result = checkConfig(mergeRaw([...named, ...byFile]), path)
  if ('problems' in result) throw new ConfigError(result.problems)
  return result.config
}

async function readFile(path: string, origin: string): Promise<ReadResult> {
  const { MAX_CONFIG_BYTES, readYaml } = await import('../config/read-yaml.js')
  const fail = (found: string): ReadResult => ({
    problems: [{ location: origin, path: '', found, expected: 'a YAML file that can be read' }],
  })
  let bytes: Buffer
  try {
    bytes = await readSmallFile(path, MAX_CONFIG_BYTES)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return fail(code === 'ENOENT' ? `no file at '${path}'` : `a file '${path}' that ${code ?? message}`)
  }
  try {
    return readYaml(new TextDecoder('utf-8', { fatal: true }).decode(bytes), path)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return fail(`a file '${path}' that is not UTF-8`)
  }
}
