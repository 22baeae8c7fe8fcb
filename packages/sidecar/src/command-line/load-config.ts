import { DEFAULTS } from '../config/defaults.js'
import { ConfigError } from '../config/problem.js'
import { mergeRaw, type RawConfig, type ReadResult } from '../config/raw-config.js'
import type { SidecarConfig } from '../config/sidecar-config.js'
import { readSmallFile } from '../files.js'
import { type Flags, flagOf, readVariables, variableOf } from './create-command.js'
import { readFlags, withImpliedTokens } from './read-flags.js'

/** Where configuration comes from. */
export interface ConfigInput {
  readonly flags: Flags
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Reads flags, variables and file, in this order of precedence.
 *
 * @throws ConfigError with all that is wrong
 */
export async function loadConfig({ flags, env }: ConfigInput): Promise<SidecarConfig> {
  const variables = readVariables(env)
  const path = flags.config ?? variables.config
  const results = [
    readFlags(flags, flagOf),
    readFlags(variables, variableOf),
    ...(path === undefined
      ? []
      : [await readFile(path, flags.config === undefined ? variableOf('config') : flagOf('config'))]),
  ]
  const problems = results.flatMap((result) => ('problems' in result ? result.problems : []))
  if (problems.length > 0) throw new ConfigError(problems)
  const layers = results.flatMap((result) => ('raw' in result ? [result.raw] : []))
  const all = mergeRaw(layers)
  // Whoever writes a file can name its tokens.
  const [byFlag, byVariable, ...byFile] = layers as [RawConfig, RawConfig, ...RawConfig[]]
  const named = [byFlag, byVariable].map((layer) => withImpliedTokens(layer, all, DEFAULTS.tokenName))
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
